# SPDX-License-Identifier: GPL-2.0-or-later
# A text file as a string of C that is called spec_json, a line each.
s/["\\]/\\&/g
s/.*/	"&\\n"/
1i\
static const char spec_json[] =
$s/$/;/
