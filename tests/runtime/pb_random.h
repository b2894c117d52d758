/* SPDX-License-Identifier: MIT */
/* Random messages of any protobuf-c type: the same seed makes the same message. */
#ifndef WEFT_TESTS_PB_RANDOM_H
#define WEFT_TESTS_PB_RANDOM_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#include "random.h"

typedef struct pb_random {
    test_random numbers;
    void **pieces; /* what the messages are made of */
    size_t n, room;
} pb_random;

/* A message that wf_pb_measure has to let through, nested at most @depth deep. Fields that are not
 * there are left with what a sender may leave behind: NULL, or pointers to nowhere. */
void *pb_random_message(pb_random *random, const ProtobufCMessageDescriptor *type, int depth);

/* Overwrites and frees all messages made with @random. */
void pb_random_done(pb_random *random);

#endif
