/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A system call of x86_64 without a libc, or before it. On other machines there is no launcher (meson.build). */
#pragma once

static inline long system_call(long number, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
}
