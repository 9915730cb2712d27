/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <math.h>
#include <stdint.h>

/*
 * splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): a sequence is its
 * *STATE, so that each drawn thing can have one of its own, and is the same whichever others are drawn.
 */
static inline uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* In [0, 1). */
static inline double uniform(uint64_t *state)
{
	return (double)(next_random(state) >> 11) / 9007199254740992.0;
}

/* In [LEAST, MOST), its logarithm uniform; LEAST > 0. */
static inline double log_uniform(uint64_t *state, double least, double most)
{
	return least * pow(most / least, uniform(state));
}
