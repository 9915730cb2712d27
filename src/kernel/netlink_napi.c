// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netlink_napi.h"

#include <errno.h>
#include <linux/genetlink.h>

#include "kernel/netlink.h"

/* of <linux/netdev.h>, which older headers lack */
#define FAMILY "netdev"
#define FAMILY_VERSION 1
#define NAPI_GET 11
#define NAPI_IFINDEX 1
#define NAPI_PID 4

static struct nlmsghdr *begin(char buffer[static NETLINK_BUFFER_BYTES], uint16_t family,
			      uint16_t flags, uint8_t command, uint8_t version)
{
	struct nlmsghdr *request = netlink_begin(buffer, family, flags, sizeof(struct genlmsghdr));
	struct genlmsghdr *header = netlink_payload(request);

	header->cmd = command;
	header->version = version;
	return request;
}

static int see_family(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attr;

	netlink_for_each(attr, message, sizeof(struct genlmsghdr)) {
		if (netlink_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    netlink_length(attr) == sizeof(uint16_t))
			*(uint16_t *)data = *(const uint16_t *)netlink_value(attr);
	}
	return NETLINK_GO_ON;
}

/* The number that the family has here; 0: none. */
static uint16_t find_family(struct netlink *netlink)
{
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request = begin(buffer, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1);
	uint16_t number = 0;

	netlink_put_string(request, CTRL_ATTR_FAMILY_NAME, FAMILY);
	return netlink_query(netlink, request, see_family, &number) < 0 ? 0 : number;
}

struct found {
	uint32_t index;
	pid_t *pids;
	size_t max, n;
};

static int see_napi(const struct nlmsghdr *message, void *data)
{
	struct found *found = data;
	const struct nlattr *attr;
	uint32_t pid = 0, index = 0;

	netlink_for_each(attr, message, sizeof(struct genlmsghdr)) {
		if (netlink_type(attr) == NAPI_PID)
			pid = netlink_u32(attr);
		else if (netlink_type(attr) == NAPI_IFINDEX)
			index = netlink_u32(attr);
	}
	if (pid && index == found->index && found->n < found->max)
		found->pids[found->n++] = (pid_t)pid;
	return NETLINK_GO_ON;
}

int netlink_napi_threads(int index, pid_t *pids, size_t max, size_t *n, struct error *err)
{
	_cleanup_netlink_ struct netlink *netlink = NULL;
	struct found found = {.index = (uint32_t)index, .pids = pids, .max = max};
	char buffer[NETLINK_BUFFER_BYTES];
	struct nlmsghdr *request;
	uint16_t family;
	int r = netlink_open_generic(&netlink, err);

	if (r < 0)
		return r;
	family = find_family(netlink);
	if (!family)
		return error_set(err, EOPNOTSUPP, "the kernel has no netlink family '%s'", FAMILY);
	request = begin(buffer, family, NLM_F_DUMP, NAPI_GET, FAMILY_VERSION);
	netlink_put_u32(request, NAPI_IFINDEX, found.index);
	r = netlink_query(netlink, request, see_napi, &found);
	if (r < 0)
		return error_errno(err, r, "list the threads of the interface of index %d", index);
	*n = found.n;
	return 0;
}
