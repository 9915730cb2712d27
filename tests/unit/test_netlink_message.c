// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <linux/rtnetlink.h>
#include <string.h>

#include "kernel/netlink_message.h"

static _Alignas(struct nlmsghdr) char buffer[NETLINK_BUFFER_BYTES];

static struct nlmsghdr *begin(void)
{
	struct nlmsghdr *message = (struct nlmsghdr *)buffer;

	memset(buffer, 0xff, sizeof(buffer));
	*message = (struct nlmsghdr){.nlmsg_len = NLMSG_HDRLEN};
	netlink_put_room(message, sizeof(struct rtgenmsg));
	return message;
}

TEST(what_is_put_is_read_again)
{
	struct nlmsghdr *message = begin();
	const struct nlattr *attr, *inner;
	struct nlattr *nest;
	int seen = 0, nested = 0;

	netlink_put_u32(message, 1, 0xdeadbeef);
	netlink_put_string(message, 2, "eth0");
	nest = netlink_nest_begin(message, 3);
	netlink_put_u8(message, 4, 7);
	netlink_put_u64(message, 5, 1);
	netlink_nest_end(message, nest);
	netlink_put(message, 6, 3, "abc");
	netlink_for_each(attr, message, sizeof(struct rtgenmsg)) {
		seen++;
		is_uint(netlink_type(attr), seen < 4 ? seen : 6);
		if (netlink_type(attr) == 1)
			is_uint(netlink_u32(attr), 0xdeadbeef);
		if (netlink_type(attr) == 2)
			is_str(netlink_string(attr), "eth0");
		if (netlink_type(attr) == 6)
			is_uint(netlink_length(attr), 3);
		if (netlink_type(attr) != 3)
			continue;
		netlink_for_each_nested(inner, attr) {
			nested++;
			is_uint(netlink_type(inner), nested == 1 ? 4 : 5);
		}
	}
	is_uint(seen, 4);
	is_uint(nested, 2);
	/* everything begins at four bytes, and what is between is zero */
	is_uint(message->nlmsg_len % 4, 0);
	is_uint((unsigned char)buffer[message->nlmsg_len - 1], 0);
}

TEST(a_value_of_another_size_is_none)
{
	struct nlmsghdr *message = begin();
	const struct nlattr *attr;

	netlink_put(message, 1, 2, "xy");
	netlink_for_each(attr, message, sizeof(struct rtgenmsg)) {
		is_uint(netlink_u32(attr), 0);
		is_str(netlink_string(attr), "");
	}
}

TEST(an_attribute_that_is_cut_off_is_not_read)
{
	struct nlmsghdr *message = begin();
	struct nlattr *attr = (struct nlattr *)(buffer + message->nlmsg_len);
	const struct nlattr *at;
	const uint16_t lengths[] = {0, 3, 9, 0xffff};
	int seen = 0;

	netlink_put_u32(message, 1, 5);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		attr->nla_len = lengths[i];
		netlink_for_each(at, message, sizeof(struct rtgenmsg))
			seen++;
	}
	attr->nla_len = 8;
	message->nlmsg_len -= 1;
	netlink_for_each(at, message, sizeof(struct rtgenmsg))
		seen++;
	is_uint(seen, 0);
}
