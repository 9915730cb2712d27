// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netlink_message.h"

#include <stdlib.h>
#include <string.h>

void *netlink_payload(const struct nlmsghdr *message)
{
	return (char *)message + NLMSG_HDRLEN;
}

const void *netlink_end(const struct nlmsghdr *message)
{
	return (const char *)message + message->nlmsg_len;
}

void *netlink_put_room(struct nlmsghdr *message, size_t bytes)
{
	char *room = (char *)message + message->nlmsg_len;
	size_t aligned = NLMSG_ALIGN(bytes);

	if (aligned < bytes || aligned > NETLINK_BUFFER_BYTES - message->nlmsg_len)
		abort();
	memset(room, 0, aligned);
	message->nlmsg_len += (uint32_t)aligned;
	return room;
}

void netlink_put(struct nlmsghdr *message, uint16_t type, size_t bytes, const void *value)
{
	struct nlattr *attr;

	if (bytes > UINT16_MAX - NLA_HDRLEN)
		abort();
	attr = netlink_put_room(message, NLA_HDRLEN + bytes);
	attr->nla_type = type;
	attr->nla_len = (uint16_t)(NLA_HDRLEN + bytes);
	memcpy((char *)attr + NLA_HDRLEN, value, bytes);
}

void netlink_put_u8(struct nlmsghdr *message, uint16_t type, uint8_t value)
{
	netlink_put(message, type, sizeof(value), &value);
}

void netlink_put_u32(struct nlmsghdr *message, uint16_t type, uint32_t value)
{
	netlink_put(message, type, sizeof(value), &value);
}

void netlink_put_u64(struct nlmsghdr *message, uint16_t type, uint64_t value)
{
	netlink_put(message, type, sizeof(value), &value);
}

void netlink_put_string(struct nlmsghdr *message, uint16_t type, const char *value)
{
	netlink_put(message, type, strlen(value) + 1, value);
}

struct nlattr *netlink_nest_begin(struct nlmsghdr *message, uint16_t type)
{
	struct nlattr *nest = netlink_put_room(message, NLA_HDRLEN);

	nest->nla_type = NLA_F_NESTED | type;
	return nest;
}

void netlink_nest_end(struct nlmsghdr *message, struct nlattr *nest)
{
	nest->nla_len = (uint16_t)((const char *)netlink_end(message) - (char *)nest);
}

uint16_t netlink_type(const struct nlattr *attr)
{
	return attr->nla_type & NLA_TYPE_MASK;
}

size_t netlink_length(const struct nlattr *attr)
{
	return attr->nla_len - (size_t)NLA_HDRLEN;
}

const void *netlink_value(const struct nlattr *attr)
{
	return (const char *)attr + NLA_HDRLEN;
}

uint32_t netlink_u32(const struct nlattr *attr)
{
	uint32_t value = 0;

	if (netlink_length(attr) >= sizeof(value))
		memcpy(&value, netlink_value(attr), sizeof(value));
	return value;
}

const char *netlink_string(const struct nlattr *attr)
{
	const char *text = netlink_value(attr);
	size_t bytes = netlink_length(attr);

	return bytes && !text[bytes - 1] ? text : "";
}

const struct nlattr *netlink_attribute(const void *at, const void *end)
{
	const struct nlattr *attr = at;
	ptrdiff_t left = (const char *)end - (const char *)at;

	if (left < (ptrdiff_t)sizeof(*attr) || attr->nla_len < sizeof(*attr) ||
	    attr->nla_len > left)
		return NULL;
	return attr;
}

const struct nlattr *netlink_next(const struct nlattr *attr, const void *end)
{
	return netlink_attribute((const char *)attr + NLA_ALIGN(attr->nla_len), end);
}

const void *netlink_nest_after(const struct nlattr *nest)
{
	return (const char *)nest + nest->nla_len;
}
