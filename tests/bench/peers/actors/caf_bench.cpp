// SPDX-License-Identifier: MIT
// caf_bench CASE [N]: the workloads on CAF 0.17 (Debian's); prints lines `name value unit`.
#include <caf/all.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unistd.h>
#include <vector>

using namespace caf;

static volatile double started, ended; // ns

static double now_ns()
{
    auto t = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double, std::nano>(t).count();
}

static long status_kb(const char *key)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    long v = 0;
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key)))
            v = atol(line + strlen(key));
    if (f)
        fclose(f);
    return v;
}

struct nothing {
    uint64_t unused;
};

// ---- ping-pong and ring: v > 0 goes on with v - 1; then "bye" goes round
struct peer_state {
    actor other;
};

static behavior peer(stateful_actor<peer_state> *self)
{
    return {
        [self](const actor &other) { self->state.other = other; },
        [self](uint64_t v) {
            if (v == 0) {
                ended = now_ns();
                self->send(self->state.other, std::string("bye"));
                self->quit();
                return;
            }
            self->send(self->state.other, v - 1);
        },
        [self](const std::string &) { self->quit(); },
    };
}

// ---- count and fan-in
struct count_state {
    uint64_t n;
};

static behavior counter(stateful_actor<count_state> *self, uint64_t total)
{
    self->state.n = 0;
    return {[self, total](uint64_t) {
        if (++self->state.n == total) {
            ended = now_ns();
            self->quit();
        }
    }};
}

static behavior producer(stateful_actor<count_state> *self, actor to, uint64_t total)
{
    self->state.n = 0;
    return {[self, to, total](int32_t) {
        uint64_t end = std::min(self->state.n + 1000, total);
        for (; self->state.n < end; ++self->state.n)
            self->send(to, self->state.n);
        if (self->state.n < total)
            self->send(self, int32_t{0});
        else
            self->quit();
    }};
}

// ---- skynet
struct sky_state {
    uint64_t sum;
    int left;
};

static behavior sky(stateful_actor<sky_state> *self, actor parent, uint64_t first, uint64_t size)
{
    if (size == 1) {
        self->send(parent, first);
        self->quit();
        return {};
    }
    self->state.sum = 0;
    self->state.left = 10;
    for (uint64_t i = 0; i < 10; ++i)
        self->spawn(sky, actor_cast<actor>(self), first + i * (size / 10), size / 10);
    return {[self, parent](uint64_t v) {
        self->state.sum += v;
        if (--self->state.left == 0) {
            self->send(parent, self->state.sum);
            self->quit();
        }
    }};
}

static behavior sky_root(stateful_actor<nothing> *self, uint64_t size)
{
    self->spawn(sky, actor_cast<actor>(self), uint64_t{0}, size);
    return {[self, size](uint64_t v) {
        ended = now_ns();
        if (v != size * (size - 1) / 2) {
            fprintf(stderr, "caf_bench: skynet's sum is wrong\n");
            _exit(1);
        }
        self->quit();
    }};
}

// ---- ask
static behavior server(event_based_actor *self)
{
    return {
        [](uint64_t v) -> uint64_t { return v + 1; },
        [self](const std::string &) { self->quit(); },
    };
}

struct client_state {
    uint64_t sent, done;
};

static void ask_next(stateful_actor<client_state> *self, actor to, uint64_t total, bool limit)
{
    auto on_reply = [self, to, total, limit](uint64_t) {
        auto &state = self->state;
        if (++state.done == total) {
            ended = now_ns();
            self->send(to, std::string("bye"));
            self->quit();
            return;
        }
        if (state.sent < total)
            ask_next(self, to, total, limit);
    };
    ++self->state.sent;
    if (limit)
        self->request(to, std::chrono::seconds(10), self->state.sent).then(on_reply);
    else
        self->request(to, infinite, self->state.sent).then(on_reply);
}

static behavior client(stateful_actor<client_state> *self, actor to, uint64_t total, bool limit)
{
    self->state.sent = self->state.done = 0;
    return {[=](int32_t) { ask_next(self, to, total, limit); }};
}

// ---- idle
static behavior idle(stateful_actor<count_state> *self)
{
    self->state.n = 0;
    return {[self](uint64_t v, const actor &root) {
        self->state.n += v;
        self->send(root, v);
    }};
}

struct idle_root_state {
    std::vector<actor> all;
    uint64_t answered;
    long before_kb;
};

static behavior idle_root(stateful_actor<idle_root_state> *self, uint64_t n)
{
    return {
        [self, n](int32_t) {
            auto &state = self->state;
            state.all.reserve(n);
            state.answered = 0;
            state.before_kb = status_kb("VmRSS:");
            for (uint64_t i = 0; i < n; ++i) {
                state.all.push_back(self->spawn(idle));
                self->send(state.all.back(), i, actor_cast<actor>(self));
            }
        },
        [self, n](uint64_t) {
            auto &state = self->state;
            if (++state.answered < n)
                return;
            double grown = (double)(status_kb("VmRSS:") - state.before_kb) * 1024;
            printf("idle %.1f bytes\n", grown / (double)n);
            fflush(stdout);
            _exit(0);
        },
    };
}

// ---- spawn and exit, 1,000 alive
static behavior shortlived(event_based_actor *self)
{
    return {[self](uint64_t v, const actor &root) {
        self->send(root, v);
        self->quit();
    }};
}

static behavior spawner(stateful_actor<client_state> *self, uint64_t total)
{
    self->state.sent = self->state.done = 0;
    auto one = [self] {
        ++self->state.sent;
        auto child = self->spawn(shortlived);
        self->send(child, self->state.sent, actor_cast<actor>(self));
    };
    return {
        [=](int32_t) {
            for (int i = 0; i < 1000; ++i)
                one();
        },
        [=](uint64_t) {
            auto &state = self->state;
            if (++state.done == total) {
                ended = now_ns();
                self->quit();
                return;
            }
            if (state.sent < total)
                one();
        },
    };
}

// ---- the workloads by name; each returns when the last actor is gone
static void start(scoped_actor &self, const actor &first)
{
    started = now_ns();
    self->send(first, int32_t{0});
}

static void start_circle(actor_system &sys, scoped_actor &self, int actors, uint64_t n,
                         bool threads)
{
    std::vector<actor> all;
    for (int i = 0; i < actors; ++i)
        all.push_back(threads ? sys.spawn<detached>(peer) : sys.spawn(peer));
    for (int i = 0; i < actors; ++i)
        self->send(all[i], all[(i + 1) % actors]);
    started = now_ns();
    self->send(all[0], n);
}

static void start_count(actor_system &sys, scoped_actor &self, uint64_t producers, uint64_t n)
{
    auto to = sys.spawn(counter, n);
    std::vector<actor> all;
    for (uint64_t i = 0; i < producers; ++i)
        all.push_back(sys.spawn(producer, to, n / producers));
    started = now_ns();
    for (auto &p : all)
        self->send(p, int32_t{0});
}

static bool start_workload(const std::string &name, actor_system &sys, scoped_actor &self,
                           uint64_t n)
{
    if (name == "pingpong" || name == "pingpong_cross")
        start_circle(sys, self, 2, n, name == "pingpong_cross");
    else if (name == "ring")
        start_circle(sys, self, 1000, n, false);
    else if (name == "count" || name == "count_cross" || name == "runaway")
        start_count(sys, self, 1, n);
    else if (name == "fanin")
        start_count(sys, self, 100, n);
    else if (name == "ask" || name == "ask_limit")
        start(self, sys.spawn(client, sys.spawn(server), n, name == "ask_limit"));
    else if (name == "ask_cross")
        start(self, sys.spawn<detached>(client, sys.spawn<detached>(server), n, false));
    else if (name == "spawn")
        start(self, sys.spawn(spawner, n));
    else if (name == "idle")
        start(self, sys.spawn(idle_root, n));
    else if (name == "skynet") {
        started = now_ns();
        sys.spawn(sky_root, n);
    } else
        return false;
    return true;
}

struct workload {
    const char *name;
    uint64_t n;
    int threads;
};

static const workload workloads[] = {
    {"pingpong", 1000000, 1}, {"ring", 1000000, 1},        {"count", 2500000, 1},
    {"ask", 500000, 1},       {"ask_limit", 250000, 1},    {"spawn", 250000, 1},
    {"skynet", 1000000, 1},   {"idle", 1000000, 1},        {"runaway", 10000000, 1},
    {"fanin", 2500000, 2},    {"count_cross", 2500000, 2}, {"pingpong_cross", 40000, 2},
    {"ask_cross", 40000, 2},
};

static const workload *find(const char *name)
{
    for (auto &w : workloads)
        if (!strcmp(w.name, name))
            return &w;
    return nullptr;
}

static void report(const std::string &name, uint64_t n, long before_kb)
{
    double grown_mib = (double)(status_kb("VmHWM:") - before_kb) / 1024;
    uint64_t ops = n;
    if (name == "skynet") // with its inner nodes
        for (ops = 0; n > 0; n /= 10)
            ops += n;
    printf("%s %.2f ns\n", name.c_str(), (ended - started) / (double)ops);
    if (name == "skynet" || name == "runaway")
        printf("%s_rss %.1f MiB\n", name.c_str(), grown_mib);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    const workload *w = find(name);
    if (!w) {
        fprintf(stderr, "caf_bench: no case %s\n", name);
        return 2;
    }
    uint64_t n = argc > 2 ? strtoull(argv[2], nullptr, 10) : w->n;
    actor_system_config cfg;
    cfg.set("scheduler.max-threads", w->threads);
    long before_kb = 0;
    {
        actor_system sys{cfg};
        scoped_actor self{sys};
        before_kb = status_kb("VmRSS:");
        start_workload(name, sys, self, n);
        if (!strcmp(name, "ring")) { // its actors hold each other: the system would never be empty
            while (ended == 0)
                usleep(10000);
            report(name, n, before_kb);
            _exit(0);
        }
    }
    report(name, n, before_kb);
    return 0;
}
