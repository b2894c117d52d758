/* SPDX-License-Identifier: MIT */
/* The driver of a simulated world: a clock that moves when it is told to, random bytes from a seed,
 * and neither descriptors nor threads. */
#include "driver_sim.h"

#include <string.h>

#include "alloc.h"
#include "sim_random.h"

/* The clock begins away from zero, so that nobody comes to rely on it; the calendar at a round
 * second of November 2023. */
#define BEGIN_NS UINT64_C(1000000000)
#define BEGIN_WALL_NS UINT64_C(1700000000000000000)

typedef struct sim_driver {
    wf_driver driver;
    uint64_t now_ns;
    wf_random random;
} sim_driver;

/* There is nothing to sleep on: it only has to exist. */
struct wf_poller {
    sim_driver *driver;
};

/* What a watch keeps: only its descriptor can be asked for. */
typedef struct sim_watch {
    int fd;
} sim_watch;

_Static_assert(sizeof(sim_watch) <= sizeof(weft_watch), "a watch has room for its descriptor");

void wf_driver_sim_advance(wf_driver *driver, uint64_t ns)
{
    ((sim_driver *)driver)->now_ns += ns;
}

static uint64_t sim_now_ns(wf_driver *driver)
{
    return ((const sim_driver *)driver)->now_ns;
}

static uint64_t sim_wall_ns(wf_driver *driver)
{
    return BEGIN_WALL_NS + ((const sim_driver *)driver)->now_ns - BEGIN_NS;
}

static void sim_random(wf_driver *driver, void *to, size_t bytes)
{
    wf_random *random = &((sim_driver *)driver)->random;
    for (size_t done = 0; done < bytes; done += sizeof(uint64_t)) {
        uint64_t word = wf_random_next(random);
        size_t part = bytes - done < sizeof word ? bytes - done : sizeof word;
        memcpy((char *)to + done, &word, part);
    }
}

static wf_poller *sim_poller_new(wf_driver *driver, unsigned index, struct ev_loop *loop,
                                 weft_why *why)
{
    (void)loop;
    wf_poller *p = wf_alloc_zero(sizeof *p);
    if (p == NULL) {
        (void)weft_because(why, WEFT_ENOMEM, "no memory for the poller of reactor %u", index);
        return NULL;
    }
    p->driver = (sim_driver *)driver;
    return p;
}

static void sim_poller_free(wf_poller *poller)
{
    wf_free(poller);
}

static unsigned sim_poll(wf_poller *poller, int64_t timeout_ms)
{
    (void)poller, (void)timeout_ms;
    return 0;
}

static void sim_wake(wf_poller *poller)
{
    (void)poller; /* nobody sleeps: what came is seen by the next step */
}

static void sim_watch_init(wf_poller *poller, weft_watch *watch, int fd, weft_ready_fn *ready)
{
    (void)poller, (void)ready;
    memcpy(watch, &(sim_watch){fd}, sizeof(sim_watch));
}

/* The world beyond descriptors has its own time and order: they are never ready here. */
static void sim_watch_set(wf_poller *poller, weft_watch *watch, unsigned events)
{
    (void)poller, (void)watch, (void)events;
}

static int sim_watch_fd(const weft_watch *watch)
{
    sim_watch kept;
    memcpy(&kept, watch, sizeof kept);
    return kept.fd;
}

static void sim_embed(wf_poller *poller, int64_t (*turn)(void *context), void *context)
{
    (void)poller, (void)turn, (void)context;
}

/* The simulator steps every reactor itself and starts none. */
static wf_thread *sim_thread_start(wf_driver *driver, const char *name, void (*fn)(void *context),
                                   void *context)
{
    (void)driver, (void)name, (void)fn, (void)context;
    return NULL;
}

static void sim_thread_join(wf_thread *thread)
{
    (void)thread;
}

static void sim_wait_word(wf_driver *driver, _Atomic uint32_t *word, uint32_t expected, uint64_t ns)
{
    (void)driver, (void)word, (void)expected, (void)ns;
}

static void sim_wake_word(wf_driver *driver, _Atomic uint32_t *word)
{
    (void)driver, (void)word;
}

static void sim_free(wf_driver *driver)
{
    wf_free(driver);
}

static const wf_driver_ops sim_ops = {
    .name = "sim",
    .stands_still = true,
    .now_ns = sim_now_ns,
    .wall_ns = sim_wall_ns,
    .random = sim_random,
    .poller_new = sim_poller_new,
    .poller_free = sim_poller_free,
    .poll = sim_poll,
    .wake = sim_wake,
    .watch_init = sim_watch_init,
    .watch_set = sim_watch_set,
    .watch_fd = sim_watch_fd,
    .embed = sim_embed,
    .thread_start = sim_thread_start,
    .thread_join = sim_thread_join,
    .wait_word = sim_wait_word,
    .wake_word = sim_wake_word,
    .free = sim_free,
};

wf_driver *wf_driver_sim_new(uint64_t seed)
{
    sim_driver *driver = wf_alloc_zero(sizeof *driver);
    if (driver == NULL)
        return NULL;
    driver->driver.ops = &sim_ops;
    driver->now_ns = BEGIN_NS;
    wf_random_seed(&driver->random, seed);
    return &driver->driver;
}
