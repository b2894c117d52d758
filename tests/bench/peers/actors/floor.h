/* SPDX-License-Identifier: MIT */
/* The workloads of the floor: each does its work for @n operations and returns ns for each. */
#ifndef FLOOR_H
#define FLOOR_H

#include <stdint.h>

double now_ns(void);
long rss_kb(void);
void pin(int core);

double pingpong(uint64_t n);
double ring(uint64_t n);
double count(uint64_t n);
double ask(uint64_t n);
double spawn(uint64_t n);
double skynet(uint64_t leaves); /* a power of ten */

double count_cross(uint64_t n);
double pingpong_cross(uint64_t n);
double pingpong_cross_asleep(uint64_t n);

#endif
