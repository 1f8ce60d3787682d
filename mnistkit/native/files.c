/* Many small files in one open folder, made or read by one call.
 *
 * Opening, writing and closing take a few microseconds each, after which Python's interpreter lock would
 * have to be had back: two threads would hand it to and fro.  Here a whole batch is done without it.
 *
 * POSIX alone.  What goes wrong is not told of but left to Python: both functions do as many files as
 * they can and say how many, and Python does the next one again, for the words of the error.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    const char *name; /* relative to the open folder */
    const char *data;
    size_t size;
} File;

static int
opened(int folder, const char *name, int flags)
{
    int descriptor;
    do {
        descriptor = openat(folder, name, flags | O_CLOEXEC, 0666);
    } while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

/* Close a file; a signal in the meantime does not keep it open. */
static int
closed(int descriptor)
{
    return close(descriptor) == 0 || errno == EINTR;
}

/* ------------------------------------------------------------------------------------- create */

static int
write_all(int descriptor, const char *data, size_t size)
{
    while (size) {
        ssize_t done = write(descriptor, data, size);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return 0;
        }
        data += done;
        size -= (size_t)done;
    }
    return 1;
}

/* Make files, or replace what is in them, up to the first that fails; return how many. */
static size_t
create_files(int folder, const File *files, size_t count)
{
    size_t i = 0;
    for (; i < count; i++) {
        int descriptor = opened(folder, files[i].name, O_WRONLY | O_CREAT | O_TRUNC);
        if (descriptor < 0) {
            break;
        }
        int written = write_all(descriptor, files[i].data, files[i].size);
        if (!closed(descriptor) || !written) {
            break;
        }
    }
    return i;
}

/* --------------------------------------------------------------------------------------- read */

typedef struct {
    char *bytes;
    size_t size;
    size_t room;
} Heap;

static int
reserve(Heap *heap, size_t more)
{
    if (heap->room - heap->size >= more) {
        return 1;
    }
    if (more > PY_SSIZE_T_MAX / 2 - heap->room) {
        return 0;
    }
    size_t room = 2 * heap->room > heap->size + more ? 2 * heap->room : heap->size + more;
    char *bytes = realloc(heap->bytes, room);
    if (bytes) {
        heap->bytes = bytes;
        heap->room = room;
    }
    return bytes != NULL;
}

/* Add so many bytes of a file to a heap that has room for them, or fewer where it ends before. */
static int
read_all(int descriptor, size_t size, Heap *heap)
{
    while (size) {
        ssize_t done = read(descriptor, heap->bytes + heap->size, size);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return done == 0;
        }
        heap->size += (size_t)done;
        size -= (size_t)done;
    }
    return 1;
}

/* Read a regular file of at most so many bytes; opening anything else does not wait for ever. */
static int
read_file(int folder, const char *name, size_t most, Heap *heap)
{
    struct stat status;
    int descriptor = opened(folder, name, O_RDONLY | O_NONBLOCK);
    if (descriptor < 0) {
        return 0;
    }
    int done = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && (uintmax_t)status.st_size <= most
               && reserve(heap, (size_t)status.st_size) && read_all(descriptor, (size_t)status.st_size, heap);
    return closed(descriptor) && done;
}

/* Read files one behind the other, noting their ends, up to the first that fails or makes them more bytes
 * than they may have together; return how many. */
static size_t
read_files(int folder, const char *names, size_t count, size_t most, Heap *heap, size_t *ends)
{
    size_t i = 0;
    for (; i < count; i++) {
        if (!read_file(folder, names, most - heap->size, heap)) {
            break;
        }
        ends[i] = heap->size;
        names += strlen(names) + 1;
    }
    return i;
}

/* ------------------------------------------------------------------------------------- Python */

/* Count names, each of which has a zero behind it; -1 where the last has none. */
static Py_ssize_t
count_names(const char *names, Py_ssize_t size)
{
    Py_ssize_t count = 0;
    const char *end = names + size;
    if (size && end[-1]) {
        PyErr_SetString(PyExc_ValueError, "names: expected a zero behind each");
        return -1;
    }
    for (; names < end; names += strlen(names) + 1) {
        count++;
    }
    return count;
}

/* Note where the name and the content of each file are; NULL where they are not what they should be. */
static File *
gathered(const char *names, Py_ssize_t count, PyObject *contents)
{
    if (PyTuple_Size(contents) != count) {
        PyErr_Format(PyExc_ValueError, "contents: expected %zd, found %zd", count, PyTuple_Size(contents));
        return NULL;
    }
    File *files = malloc((size_t)count * sizeof *files + 1);
    if (!files) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        char *data;
        Py_ssize_t size;
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(contents, i), &data, &size) < 0) {
            free(files);
            return NULL;
        }
        files[i] = (File){names, data, (size_t)size};
        names += strlen(names) + 1;
    }
    return files;
}

PyDoc_STRVAR(create_doc,
"create(folder, names, contents)\n--\n\n"
"Make files in an open folder, or replace what is in them; return how many, up to the first that failed.\n\n"
"`names` are bytes, a zero behind each; `contents` a tuple of bytes.");

static PyObject *
create(PyObject *module, PyObject *args)
{
    int folder;
    const char *names;
    Py_ssize_t size, count;
    PyObject *contents;
    File *files;
    size_t done;
    (void)module;
    if (!PyArg_ParseTuple(args, "iy#O!:create", &folder, &names, &size, &PyTuple_Type, &contents)
        || (count = count_names(names, size)) < 0 || !(files = gathered(names, count, contents))) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    done = create_files(folder, files, (size_t)count);
    free(files);
    Py_END_ALLOW_THREADS
    return PyLong_FromSize_t(done);
}

/* Cut a heap into as many bytes objects as there are ends. */
static PyObject *
cut(const Heap *heap, const size_t *ends, size_t count)
{
    PyObject *contents = PyList_New((Py_ssize_t)count);
    size_t start = 0;
    for (size_t i = 0; contents && i < count; start = ends[i++]) {
        const char *from = heap->bytes ? heap->bytes + start : "";
        PyObject *data = PyBytes_FromStringAndSize(from, (Py_ssize_t)(ends[i] - start));
        if (!data || PyList_SetItem(contents, (Py_ssize_t)i, data) < 0) {
            Py_DECREF(contents);
            return NULL;
        }
    }
    return contents;
}

PyDoc_STRVAR(read_doc,
"read(folder, names, most)\n--\n\n"
"Return what regular files in an open folder hold, up to the first that is none, cannot be read or does not\n"
"fit in.\n\n"
"`names` are bytes, a zero behind each; `most` is how many bytes all of them may have together.");

static PyObject *
read_(PyObject *module, PyObject *args)
{
    int folder;
    const char *names;
    Py_ssize_t size, most, count;
    Heap heap = {0};
    size_t *ends, done;
    (void)module;
    if (!PyArg_ParseTuple(args, "iy#n:read", &folder, &names, &size, &most)
        || (count = count_names(names, size)) < 0) {
        return NULL;
    }
    if (most < 0) {
        return PyErr_Format(PyExc_ValueError, "most: %zd is out of range", most);
    }
    if (!(ends = malloc((size_t)count * sizeof *ends + 1))) {
        return PyErr_NoMemory();
    }
    Py_BEGIN_ALLOW_THREADS
    done = read_files(folder, names, (size_t)count, (size_t)most, &heap, ends);
    Py_END_ALLOW_THREADS
    PyObject *contents = cut(&heap, ends, done);
    free(heap.bytes);
    free(ends);
    return contents;
}

static PyMethodDef functions[] = {
    {"create", create, METH_VARARGS, create_doc},
    {"read", read_, METH_VARARGS, read_doc},
    {NULL, NULL, 0, NULL},
};

/* No state: any number of interpreters may load it. */
static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "mnistkit.native.files",
    .m_doc = "Many small files in one open folder, in C.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit_files(void)
{
    return PyModuleDef_Init(&definition);
}
