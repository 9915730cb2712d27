/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Who has locked FD's file by flock(2), as far as proc_locks(5) tells; 0: not known. */
int flock_holder(int fd);
