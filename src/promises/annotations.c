// SPDX-License-Identifier: GPL-2.0-or-later
#include "promises/annotations.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"

#define PREFIX "io.behalf."
/* What a group has that nobody has given another weight. */
#define DEFAULT_SHARES 1024
#define DEFAULT_WEIGHT 100

static bool looks_like_a_term(const char *key)
{
	static const char *const groups[] = {"cpu.", "memory.", "pids.", "net.", "disk."};

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (string_starts_with(key + strlen(PREFIX), groups[i]))
			return true;
	return false;
}

static int read_one(const struct oci_pair *annotation, struct terms *terms, bool *any,
		    struct error *err)
{
	const struct term_kind *kind;

	if (!string_starts_with(annotation->key, PREFIX))
		return 0;
	kind = terms_find_annotation(annotation->key);
	if (!kind && !looks_like_a_term(annotation->key))
		return 0;
	if (!kind)
		return error_set(err, EINVAL,
				 "config.json: annotations: %.128s: there is no such term",
				 annotation->key);
	*any = true;
	if (terms_set(terms, kind, annotation->key, annotation->value, err) < 0)
		return error_prefix(err, "config.json: annotations");
	return 0;
}

int annotations_read_terms(const struct oci_config *config, struct terms *terms, bool *any,
			   struct error *err)
{
	struct terms read = {0};
	bool found = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->n_annotations; i++)
		r = read_one(&config->annotations[i], &read, &found, err);
	if (r == 0 && found && terms_check(&read, err) < 0)
		r = error_prefix(err, "config.json: annotations");
	if (r < 0)
		return r;
	*any = found;
	if (found)
		*terms = read;
	return 0;
}

/* Replaces FILE's content for v2, or adds it. */
static int set_unified(struct oci_config *config, const char *file, uint64_t value,
		       struct error *err)
{
	struct oci_resources *resources = &config->resources;
	struct oci_pair *pairs =
		oci_config_allocate(config, resources->n_unified + 1, sizeof(*pairs));
	char text[24];
	size_t n = 0;

	snprintf(text, sizeof(text), "%" PRIu64, value);
	if (!pairs)
		return error_oom(err);
	for (size_t i = 0; i < resources->n_unified; i++)
		if (strcmp(resources->unified[i].key, file) != 0)
			pairs[n++] = resources->unified[i];
	pairs[n].key = oci_config_strdup(config, file);
	pairs[n].value = oci_config_strdup(config, text);
	if (!pairs[n].key || !pairs[n].value)
		return error_oom(err);
	resources->unified = pairs;
	resources->n_unified = n + 1;
	return 0;
}

/* On v2 not by shares: what runtimes make of these is a curve (terms_cpu_weight). */
static int set_weight(struct oci_config *config, int cpu_version, uint64_t shares, uint64_t weight,
		      struct error *err)
{
	struct oci_cpu *cpu = &config->resources.cpu;

	if (cpu_version == 2) {
		cpu->has_shares = false;
		return set_unified(config, "cpu.weight", weight, err);
	}
	cpu->has_shares = true;
	cpu->shares = shares;
	return 0;
}

static void set_quota(struct oci_cpu *cpu, int64_t quota_us)
{
	cpu->has_quota = cpu->has_period = true;
	cpu->quota_us = quota_us;
	cpu->period_us = TERMS_CPU_PERIOD_US;
}

static bool has_lower_quota(const struct oci_cpu *cpu, uint32_t limit_mcores)
{
	uint64_t period = cpu->has_period && cpu->period_us ? cpu->period_us : TERMS_CPU_PERIOD_US;

	return cpu->has_quota && cpu->quota_us > 0 &&
	       (uint64_t)cpu->quota_us * 1000 / period < limit_mcores;
}

static bool is_lower(bool has, int64_t value, uint64_t limit)
{
	return has && value > 0 && (uint64_t)value < limit;
}

int annotations_check_limits(const struct terms *terms, const struct oci_resources *resources,
			     struct error *err)
{
	const struct oci_memory *memory = &resources->memory;

	if (has_lower_quota(&resources->cpu, terms->cpu.reserve_mcores))
		return error_set(err, EINVAL, "cpu.quota: less than its cpu.reserve of %s",
				 cores_format(terms->cpu.reserve_mcores).text);
	if (is_lower(memory->has_limit, memory->limit_bytes, terms->memory.reserve_bytes))
		return error_set(err, EINVAL, "memory.limit: less than its memory.reserve of %s",
				 unit_format(UNIT_SIZE, terms->memory.reserve_bytes).text);
	return 0;
}

static void set_memory(struct oci_memory *memory, int64_t limit_bytes)
{
	memory->has_limit = memory->has_swap = true;
	memory->limit_bytes = limit_bytes;
	/* memory and swap together: none of the latter */
	memory->swap_bytes = limit_bytes;
}

/* What CONFIG asks for is held to TERMS; with ALL also what it does not ask for. */
static void apply(const struct terms *terms, bool all, struct oci_config *config)
{
	struct oci_resources *resources = &config->resources;
	struct oci_memory *memory = &resources->memory;
	struct oci_cpu *cpu = &resources->cpu;
	uint32_t limit = terms->cpu.limit_mcores;

	if (limit && (all || cpu->has_quota || cpu->has_period) && !has_lower_quota(cpu, limit))
		set_quota(cpu, terms_cpu_quota_us(limit));
	if (terms->memory.limit_bytes && (all || memory->has_limit) &&
	    !is_lower(memory->has_limit, memory->limit_bytes, terms->memory.limit_bytes))
		set_memory(memory, (int64_t)terms->memory.limit_bytes);
	if (terms->pids_limit && (all || resources->has_pids_limit) &&
	    !is_lower(resources->has_pids_limit, resources->pids_limit, terms->pids_limit)) {
		resources->has_pids_limit = true;
		resources->pids_limit = (int64_t)terms->pids_limit;
	}
}

void annotations_apply_limits(const struct terms *terms, struct oci_config *config)
{
	apply(terms, true, config);
}

void annotations_change_limits(const struct terms *before, const struct terms *now,
			       struct oci_config *holder)
{
	struct oci_resources *resources = &holder->resources;
	uint32_t limit = now->cpu.limit_mcores;

	if (limit != before->cpu.limit_mcores)
		set_quota(&resources->cpu, limit ? terms_cpu_quota_us(limit) : -1);
	if (now->memory.limit_bytes != before->memory.limit_bytes)
		set_memory(&resources->memory,
			   now->memory.limit_bytes ? (int64_t)now->memory.limit_bytes : -1);
	if (now->pids_limit != before->pids_limit) {
		resources->has_pids_limit = true;
		resources->pids_limit = now->pids_limit ? (int64_t)now->pids_limit : -1;
	}
	apply(now, false, holder);
}

int annotations_apply_weight(uint32_t mcores, int cpu_version, struct oci_config *config,
			     struct error *err)
{
	if (!mcores)
		return 0;
	return set_weight(config, cpu_version, terms_cpu_shares(mcores), terms_cpu_weight(mcores),
			  err);
}

int annotations_change_weight(uint32_t before_mcores, uint32_t mcores, int cpu_version,
			      struct oci_config *holder, struct error *err)
{
	if (before_mcores && !mcores)
		return set_weight(holder, cpu_version, DEFAULT_SHARES, DEFAULT_WEIGHT, err);
	if (mcores == before_mcores && !holder->resources.cpu.has_shares)
		return 0;
	return annotations_apply_weight(mcores, cpu_version, holder, err);
}
