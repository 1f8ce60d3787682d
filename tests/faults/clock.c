/* A clock that jumps back: each look at it tells an hour less than the one before.  Preloaded on Linux. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

#define HOUR 3600

static atomic_long looks;

static int real(clockid_t clock, struct timespec *now)
{
    static int (*call)(clockid_t, struct timespec *);
    if (call == NULL)
        *(void **)&call = dlsym(RTLD_NEXT, "clock_gettime");
    return call(clock, now);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = real(clock, now);
    if (!failed && clock == CLOCK_REALTIME)
        now->tv_sec -= HOUR * atomic_fetch_add(&looks, 1);
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &exact))
        return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now != NULL)
        *now = exact.tv_sec;
    return exact.tv_sec;
}
