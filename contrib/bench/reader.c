/* Opens, reads and closes one file, so that the size and speed of the harness stay out of what is measured.
 *
 *   reader PATH READERS MILLISECONDS [fresh]      prints: reads elapsed_ns p50_ns p99_ns least
 *
 * `least` is of the slowest reader. Every reader is a process of its own; with `fresh`, every read is, as if by `cat` (its fork is not counted). The first
 * tenth of each reader's time only warms up. Ends with status 1 if any read failed or was empty.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 1 << 20 }; /* reads kept of one reader */

struct tally {
    uint64_t reads, elapsed, failed;
};

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* How long one read took in ns, or 0 if it failed. */
static uint32_t time_read(const char *path)
{
    static char text[1 << 16];
    uint64_t before = now();
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, text, sizeof text);
    if (file >= 0)
        close(file);
    return got > 0 ? now() - before : 0;
}

static uint32_t time_fresh_read(const char *path, uint32_t *shared)
{
    pid_t child = fork();
    if (child == 0) {
        *shared = time_read(path);
        _exit(0);
    }
    if (child > 0)
        waitpid(child, NULL, 0);
    return child > 0 ? *shared : 0;
}

static void read_until(const char *path, uint64_t warm, uint64_t end, int fresh, uint32_t *times, struct tally *tally)
{
    for (uint64_t at; (at = now()) < end && tally->reads < MOST - 1;) {
        uint32_t *here = times + tally->reads;
        uint32_t took = fresh ? time_fresh_read(path, here) : time_read(path);
        tally->failed += took == 0;
        *here = took;
        tally->reads += at >= warm;
    }
    tally->elapsed = now() - warm;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void *shared(size_t size)
{
    void *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        exit(2);
    return room;
}

int main(int count, char **word)
{
    if (count < 4)
        return 2;
    int readers = atoi(word[2]), fresh = count > 4;
    uint64_t length = atoll(word[3]) * 1000000ull;
    uint32_t *times = shared(sizeof *times * MOST * readers);
    struct tally *tallies = shared(sizeof *tallies * readers), all = {0};
    uint64_t least = MOST, start = now() + 5000000 + 1000000ull * readers; /* all are there by then */

    for (int i = 0; i < readers; i++)
        if (fork() == 0) {
            while (now() < start)
                usleep(100);
            read_until(word[1], start + length / 10, start + length, fresh, times + (size_t)i * MOST, tallies + i);
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
    for (int i = 0; i < readers; i++) { /* pack all times together */
        for (uint64_t k = 0; k < tallies[i].reads; k++)
            times[all.reads + k] = times[(size_t)i * MOST + k];
        all.reads += tallies[i].reads;
        all.failed += tallies[i].failed;
        least = tallies[i].reads < least ? tallies[i].reads : least;
        all.elapsed = tallies[i].elapsed > all.elapsed ? tallies[i].elapsed : all.elapsed;
    }
    if (all.reads == 0)
        return 1;
    qsort(times, all.reads, sizeof *times, ascending);
    printf("%llu %llu %u %u %llu\n", (unsigned long long)all.reads, (unsigned long long)all.elapsed,
           times[all.reads / 2], times[all.reads * 99 / 100], (unsigned long long)least);
    return all.failed != 0;
}
