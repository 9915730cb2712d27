/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Numbers that look as if drawn, and are the same each time. Not for secrets. */
#include <stdint.h>

/*
 * splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): a sequence is its
 * *STATE, so that each drawn thing can have one of its own, and is the same whichever others are drawn.
 */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* In [0, 1). */
static inline double random_uniform(uint64_t *state)
{
	return (double)(random_next(state) >> 11) / 9007199254740992.0;
}

/* The first of the sequence that begins with SEED: as good as drawn, for each SEED. */
static inline uint64_t random_of(uint64_t seed)
{
	return random_next(&seed);
}
