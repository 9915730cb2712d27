// SPDX-License-Identifier: GPL-2.0-or-later
/* What all workspaces together have at the host's uplink: their classes, their gates, and whose what arrives is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/network_internal.h"

/* A bridge may know thousands, and whose they are changes seldom. */
#define STATIONS_EVERY 2

/*
 * Where the uplink is a workspace's link as well, there is one place only for what holds packets back: what the one
 * sends the other one receives. The limit, as it is set or will be, goes before the classes.
 */
static const struct workspace *who_limits_uplink(const struct network *network,
						 enum terms_direction direction)
{
	for (size_t i = 0; i < network->n; i++) {
		const struct workspace *w = &network->workspaces[i];
		bool sent = direction == TERMS_EGRESS;
		uint64_t wanted_bps = w->terms.net[sent ? TERMS_INGRESS : TERMS_EGRESS].limit_bps;

		for (size_t l = 0; l < w->n_links; l++) {
			const struct shape *now = &w->links[l].now;

			if (strcmp(w->links[l].link.name, network->uplink.name) == 0 &&
			    (wanted_bps || (sent ? now->ingress_limit_bps : now->egress_limit_bps)))
				return w;
		}
	}
	return NULL;
}

/* The limit needs the place: classes that are there go. */
static int give_way(struct network *network, enum terms_direction direction,
		    const struct workspace *limited, struct error *err)
{
	int r = uplink_set(&network->uplink, &network->shaper, direction, NULL, 0, err);

	return r < 0 ? r
		     : error_set(err, EBUSY, "the uplink '%s' is a link of '%s', which has a limit",
				 network->uplink.name, limited->name);
}

int network_set_classes(struct network *network, enum terms_direction direction, struct error *err)
{
	const struct workspace *limited = who_limits_uplink(network, direction);
	_cleanup_free_ struct class_terms *list = calloc(network->n + 1, sizeof(*list));
	struct error told = {0};
	size_t n = 0;
	int r;

	if (!list)
		return error_oom(err);
	for (size_t i = 0; i < network->n; i++) {
		const struct workspace *w = &network->workspaces[i];
		const struct terms_net *terms = &w->terms.net[direction];

		if (network_has_class(terms) && w->listed && w->number >= 0)
			list[n++] = (struct class_terms){.number = w->number,
							 .reserve_bps = terms->reserve_bps,
							 .share = terms->share};
	}
	r = n && limited
		    ? give_way(network, direction, limited, &told)
		    : uplink_set(&network->uplink, &network->shaper, direction, list, n, &told);
	if (r < 0 && !network->uplink_told[direction])
		log_warning("reserves and shares of what %s are not kept: %s",
			    direction == TERMS_EGRESS ? "is sent" : "arrives", told.text);
	network->uplink_told[direction] = r < 0;
	return r == -ENOMEM ? error_oom(err) : 0;
}

void network_set_uplink_gate(struct network *network)
{
	struct error told = {0};
	bool wanted = false;
	int r;

	for (size_t i = 0; i < network->n && !wanted; i++) {
		const struct workspace *w = &network->workspaces[i];

		wanted = w->listed && w->terms.gate == TERMS_GATE_DROP && w->number >= 0;
	}
	r = uplink_gate(&network->uplink, &network->shaper, wanted, &told);
	if (r < 0 && !network->gate_told)
		log_warning("what arrives at '%s' is not dropped there: %s", network->uplink.name,
			    told.text);
	network->gate_told = r < 0;
}

static size_t list_ports(const struct network *network, struct station_port *ports)
{
	size_t n = 0;

	for (size_t i = 0; i < network->n; i++) {
		const struct workspace *w = &network->workspaces[i];

		for (size_t l = 0; l < w->n_links && w->number >= 0; l++)
			ports[n++] = (struct station_port){.port = w->links[l].link.index,
							   .number = w->number};
	}
	return n;
}

int network_follow_stations(struct network *network, struct error *err)
{
	bool asked = network->uplink.known_link.index && network->uplink.bridge;
	const struct station_bridge at = {.bridge = asked ? network->uplink.bridge : 0,
					  .port = network->uplink.known_link.index};
	_cleanup_free_ struct station_port *ports = NULL;
	struct error told = {0};
	int r;

	if (network->goes_on || network->updates % STATIONS_EVERY ||
	    (!asked && !network->stations.n))
		return 0;
	ports = calloc(network->n * LINKS_MAX + 1, sizeof(*ports));
	if (!ports)
		return error_oom(err);
	r = stations_follow(&network->stations, network->shaper.netlink, network->shaper.gates, &at,
			    ports, list_ports(network, ports), &told);
	if (r < 0 && !network->stations_told)
		log_warning("whose what arrives at '%s' is, is not known by its bridge: %s",
			    network->uplink.name, told.text);
	network->stations_told = r < 0;
	return r == -ENOMEM ? error_oom(err) : 0;
}
