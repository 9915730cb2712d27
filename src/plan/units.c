// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/strings.h"

#define CORES_MAX 4096
/* More digits behind the point are not exact in any unit. */
#define FRACTION_DIGITS 9

static const struct {
	const char *word;   /* behind the letter; may be left out */
	bool per_second;    /* "/s" may follow */
	bool letters;	    /* k, m, g, t may precede */
	bool binary;	    /* an "i" may follow the letter, and a letter alone is binary */
	bool binary_with_i; /* an "i" may follow the letter */
	uint64_t max;
	const char *wanted;
} units[UNITS] = {
	[UNIT_CORES] = {"", false, false, false, false, CORES_MAX *UINT64_C(1000),
			"a number of cores is wanted, as 0.5 or 500m"},
	[UNIT_SIZE] = {"b", false, true, true, true, INT64_MAX,
		       "a number of bytes is wanted, as 65536, 64MiB or 64m"},
	[UNIT_BIT_RATE] = {"bit", true, true, false, true, INT64_MAX,
			   "a rate in bits is wanted, as 200mbit or 1gbit"},
	[UNIT_BYTE_RATE] = {"b", true, true, true, true, INT64_MAX,
			    "a rate in bytes is wanted, as 50MB/s or 25MiB/s"},
	[UNIT_IOPS] = {"iops", true, true, false, false, UINT32_MAX,
		       "a number of requests per second is wanted, as 2000iops"},
	[UNIT_PER_SECOND] = {"", true, true, false, false, UINT32_MAX,
			     "a number per second is wanted, as 1000/s"},
	[UNIT_COUNT] = {"", false, false, false, false, INT32_MAX, "a number above 0 is wanted"},
};

/* A decimal number: DIGITS with a point before the last N_FRACTION of them. */
struct decimal {
	uint64_t digits;
	unsigned int n_fraction;
};

static int read_digits(const char **text, struct decimal *number, bool fraction)
{
	const char *at = *text, *end = at;

	while (isdigit((unsigned char)*end))
		end++;
	if (end == at)
		return -EINVAL;
	*text = end;
	/* Zeroes behind the last decimal change nothing. */
	while (fraction && end > at && end[-1] == '0')
		end--;
	if (fraction)
		number->n_fraction = (unsigned int)(end - at);
	if (number->n_fraction > FRACTION_DIGITS)
		return -EINVAL;
	for (; at < end; at++) {
		if (__builtin_mul_overflow(number->digits, 10, &number->digits) ||
		    __builtin_add_overflow(number->digits, (uint64_t)(*at - '0'), &number->digits))
			return -ERANGE;
	}
	return 0;
}

static int read_decimal(const char **text, struct decimal *number)
{
	int r = read_digits(text, number, false);

	if (r < 0 || **text != '.')
		return r;
	(*text)++;
	return read_digits(text, number, true);
}

static uint64_t power(uint64_t base, unsigned int exponent)
{
	uint64_t value = 1;

	while (exponent--)
		value *= base;
	return value;
}

/* The scale that SUFFIX, of LENGTH bytes, stands for; 0: it does not belong to UNIT. */
static uint64_t suffix_scale(enum unit unit, const char *suffix, size_t length)
{
	static const char letters[] = "kmgt";
	const char *word = units[unit].word, *letter = NULL;
	size_t word_length = strlen(word);
	bool binary = units[unit].binary, with_word;

	if (length && units[unit].letters)
		letter = strchr(letters, tolower((unsigned char)*suffix));
	if (letter) {
		suffix++;
		length--;
	}
	with_word = word_length && length >= word_length &&
		    strncasecmp(suffix + length - word_length, word, word_length) == 0;
	if (with_word) {
		length -= word_length;
		binary = false;
	}
	if (letter && length == 1 && tolower((unsigned char)*suffix) == 'i' &&
	    units[unit].binary_with_i) {
		length--;
		binary = true;
	}
	if (length)
		return 0;
	return letter ? power(binary ? 1024 : 1000, (unsigned int)(letter - letters + 1)) : 1;
}

static uint64_t scale_of(enum unit unit, const char *suffix)
{
	size_t length = strlen(suffix);

	if (unit == UNIT_CORES)
		return !length ? 1000 : strcmp(suffix, "m") == 0 ? 1 : 0;
	if (units[unit].per_second && string_ends_with(suffix, "/s"))
		length -= 2;
	return suffix_scale(unit, suffix, length);
}

int unit_parse(enum unit unit, const char *text, uint64_t *value)
{
	struct decimal number = {0};
	int r = read_decimal(&text, &number);
	uint64_t scale, parts;

	if (r < 0)
		return r;
	scale = scale_of(unit, text);
	if (!scale)
		return -EINVAL;
	/* Shorten the fraction before it is multiplied: 1.5 TiB has no room for nine decimals. */
	parts = power(10, number.n_fraction);
	for (uint64_t factor = 2; factor <= 5; factor += 3) {
		while (parts % factor == 0 && scale % factor == 0) {
			parts /= factor;
			scale /= factor;
		}
	}
	if (number.digits % parts)
		return -EINVAL;
	if (__builtin_mul_overflow(number.digits / parts, scale, &scale) || !scale ||
	    scale > units[unit].max)
		return -ERANGE;
	*value = scale;
	return 0;
}

struct unit_text cores_format(uint32_t mcores)
{
	struct unit_text text;
	size_t length;

	snprintf(text.text, sizeof(text.text), "%" PRIu32 ".%03" PRIu32, mcores / 1000,
		 mcores % 1000);
	length = strlen(text.text);
	while (text.text[length - 1] == '0')
		text.text[--length] = '\0';
	if (text.text[length - 1] == '.')
		text.text[length - 1] = '\0';
	return text;
}

/* The largest of the steps of 1000, or 1024, that VALUE is a whole number of. */
static unsigned int largest_step(uint64_t value, uint64_t base)
{
	unsigned int step = 0;

	while (step < 4 && value && value % base == 0) {
		value /= base;
		step++;
	}
	return step;
}

static struct unit_text format_bytes(uint64_t value, const char *end)
{
	static const char *const decimal[] = {"B", "kB", "MB", "GB", "TB"};
	static const char *const binary[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	unsigned int thousands = largest_step(value, 1000), units_1024 = largest_step(value, 1024);
	uint64_t by_thousands = value / power(1000, thousands);
	uint64_t by_1024 = value / power(1024, units_1024);
	bool use_1024 = by_1024 < by_thousands;
	struct unit_text text;

	snprintf(text.text, sizeof(text.text), "%" PRIu64 "%s%s", use_1024 ? by_1024 : by_thousands,
		 use_1024 ? binary[units_1024] : decimal[thousands], end);
	return text;
}

struct unit_text unit_format(enum unit unit, uint64_t value)
{
	static const char *const bits[] = {"bit", "kbit", "mbit", "gbit", "tbit"};
	unsigned int step = largest_step(value, 1000);
	struct unit_text text;

	switch (unit) {
	case UNIT_CORES:
		return cores_format((uint32_t)value);
	case UNIT_SIZE:
		return format_bytes(value, "");
	case UNIT_BYTE_RATE:
		return format_bytes(value, "/s");
	case UNIT_BIT_RATE:
		snprintf(text.text, sizeof(text.text), "%" PRIu64 "%s", value / power(1000, step),
			 bits[step]);
		return text;
	default:
		snprintf(text.text, sizeof(text.text), "%" PRIu64 "%s", value,
			 unit == UNIT_IOPS	   ? "iops"
			 : unit == UNIT_PER_SECOND ? "/s"
						   : "");
		return text;
	}
}

const char *unit_wanted(enum unit unit)
{
	return units[unit].wanted;
}
