# SPDX-License-Identifier: GPL-2.0-or-later
# A text file as a string literal of C, a line each.
s/["\\]/\\&/g
s/.*/"&\\n"/
