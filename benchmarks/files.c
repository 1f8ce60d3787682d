/* Many small files, created or read with nothing between the calls: the limit for trees of images. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Create files [start, stop) below an open directory; return 0 or errno. */
int create_files(int folder, const char **names, const char **contents, const size_t *sizes, size_t start,
                 size_t stop)
{
    for (size_t i = start; i < stop; i++) {
        int file = openat(folder, names[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (file < 0)
            return errno;
        if (write(file, contents[i], sizes[i]) != (ssize_t)sizes[i]) {
            int failed = errno;
            close(file);
            return failed ? failed : EIO;
        }
        if (close(file) != 0)
            return errno;
    }
    return 0;
}

/* Read files [start, stop) below an open directory to their ends; return 0 or errno. */
int read_files(int folder, const char **names, size_t start, size_t stop)
{
    char buffer[65536];
    for (size_t i = start; i < stop; i++) {
        ssize_t got;
        int file = openat(folder, names[i], O_RDONLY | O_CLOEXEC);
        if (file < 0)
            return errno;
        while ((got = read(file, buffer, sizeof buffer)) > 0)
            ;
        int failed = got < 0 ? errno : 0;
        close(file);
        if (failed)
            return failed;
    }
    return 0;
}
