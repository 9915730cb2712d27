// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tap.h"

static const struct error reason = {.code = ENOSPC, .text = "the reason"};

TEST(who_failed_without_having_read_all_is_heard)
{
	struct error err = {0};
	int pair[2];

	must(sync_pair(pair, &err) == 0);
	is_int(sync_send_error(pair[1], &reason), 0);
	is_int(sync_send(pair[0], SYNC_PLACED, -1), 0);
	close(pair[1]);
	is_int(sync_receive(pair[0], NULL, &err), -ENOSPC);
	is_str(err.text, reason.text);
	is_int(sync_receive(pair[0], NULL, &err), 0);
	close(pair[0]);
}

TEST(who_went_without_a_word_is_gone)
{
	struct error err = {0};
	int pair[2];

	must(sync_pair(pair, &err) == 0);
	is_int(sync_send(pair[0], SYNC_PLACED, -1), 0);
	close(pair[1]);
	is_int(sync_receive(pair[0], NULL, &err), 0);
	is_int(sync_receive(pair[0], NULL, &err), 0);
	is_int(sync_expect(pair[0], SYNC_READY, &err), -EPIPE);
	close(pair[0]);
}

TEST(messages_keep_their_order_and_descriptors)
{
	int pair[2], fd = -1, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct error err = {0};

	must(null >= 0 && sync_pair(pair, &err) == 0);
	is_int(sync_send(pair[1], SYNC_CONSOLE, null), 0);
	is_int(sync_send(pair[1], SYNC_READY, -1), 0);
	is_int(sync_receive(pair[0], &fd, &err), SYNC_CONSOLE);
	ok(fd >= 0);
	is_int(fcntl(fd, F_GETFD), FD_CLOEXEC);
	is_int(sync_expect(pair[0], SYNC_PLACED, &err), -EPROTO);
	close(fd);
	close(null);
	close(pair[0]);
	close(pair[1]);
}
