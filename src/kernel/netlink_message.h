/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Messages of netlink and their attributes (netlink(7), include/uapi/linux/netlink.h): putting them
 * together and taking them apart. A message of ours is in a buffer of NETLINK_BUFFER_BYTES, and what does
 * not fit is a mistake of the caller's, which ends the program.
 */
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for one request. */
#define NETLINK_BUFFER_BYTES 8192

/* Behind the header; what is there depends on the message's type. */
void *netlink_payload(const struct nlmsghdr *message);

/* Reserves BYTES of zeroes at the end of MESSAGE, and returns them. */
void *netlink_put_room(struct nlmsghdr *message, size_t bytes);

void netlink_put(struct nlmsghdr *message, uint16_t type, size_t bytes, const void *value);
void netlink_put_u8(struct nlmsghdr *message, uint16_t type, uint8_t value);
void netlink_put_u32(struct nlmsghdr *message, uint16_t type, uint32_t value);
void netlink_put_u64(struct nlmsghdr *message, uint16_t type, uint64_t value);
void netlink_put_string(struct nlmsghdr *message, uint16_t type, const char *value);

/* What is put until netlink_nest_end is in the attribute that this begins. */
struct nlattr *netlink_nest_begin(struct nlmsghdr *message, uint16_t type);
void netlink_nest_end(struct nlmsghdr *message, struct nlattr *nest);

/* Without the flags that are in the same word. */
uint16_t netlink_type(const struct nlattr *attr);
size_t netlink_length(const struct nlattr *attr); /* of the value, in bytes */
const void *netlink_value(const struct nlattr *attr);
/* 0 when the value is shorter than that. */
uint32_t netlink_u32(const struct nlattr *attr);
/* "" when the value does not end with a zero byte. */
const char *netlink_string(const struct nlattr *attr);

/* ATTR when there is a whole one before END, else NULL. */
const struct nlattr *netlink_attribute(const void *attr, const void *end);
const struct nlattr *netlink_next(const struct nlattr *attr, const void *end);
const void *netlink_end(const struct nlmsghdr *message);
const void *netlink_nest_after(const struct nlattr *nest);

/* Over the attributes of MESSAGE, which come after a header of its type of EXTRA_BYTES. */
#define netlink_for_each(attr, message, extra_bytes)                                               \
	for ((attr) = netlink_attribute((const char *)netlink_payload(message) +                   \
						NLMSG_ALIGN(extra_bytes),                          \
					netlink_end(message));                                     \
	     (attr); (attr) = netlink_next(attr, netlink_end(message)))

/* Over those within NEST. */
#define netlink_for_each_nested(attr, nest)                                                        \
	for ((attr) = netlink_attribute(netlink_value(nest), netlink_nest_after(nest)); (attr);    \
	     (attr) = netlink_next(attr, netlink_nest_after(nest)))
