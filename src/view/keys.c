// SPDX-License-Identifier: GPL-2.0-or-later
/* The keys of `behalf top`: one table, from which they are obeyed and explained. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "view/field.h"
#include "view/top.h"

static void quit(struct view_top *top)
{
	top->quit = true;
}

static void show_help(struct view_top *top)
{
	top->help = true;
}

static void pause_or_go(struct view_top *top)
{
	top->paused = !top->paused;
	top->refresh = !top->paused;
}

static void slower(struct view_top *top)
{
	top->delay_ns *= 2;
	if (top->delay_ns > VIEW_DELAY_MAX_NS)
		top->delay_ns = VIEW_DELAY_MAX_NS;
}

static void faster(struct view_top *top)
{
	top->delay_ns /= 2;
	if (top->delay_ns < VIEW_DELAY_MIN_NS)
		top->delay_ns = VIEW_DELAY_MIN_NS;
}

static void all_or_busy(struct view_top *top)
{
	top->choice.all = !top->choice.all;
	top->first = 0;
}

static void other_unit(struct view_top *top)
{
	top->choice.unit = (enum view_unit)((top->choice.unit + 1) % VIEW_UNITS);
}

static void other_order(struct view_top *top)
{
	top->choice.reverse = !top->choice.reverse;
}

/* Who sorts wants a list. */
static void sort_by(struct view_top *top, const struct view_field *field)
{
	top->choice.sort = field;
	top->choice.tree = false;
}

static void sort_by_neighbour(struct view_top *top, size_t step)
{
	const struct view_columns *columns = &top->choice.columns;
	size_t at = 0;

	while (at < columns->n && columns->fields[at] != top->choice.sort)
		at++;
	/* not by what may not be shown */
	for (size_t i = 0; i < columns->n; i++) {
		at = (at + step) % columns->n;
		if (!columns->fields[at]->only_if_any)
			break;
	}
	if (columns->n)
		sort_by(top, columns->fields[at]);
}

static void sort_by_left(struct view_top *top)
{
	sort_by_neighbour(top, top->choice.columns.n - 1);
}

static void sort_by_right(struct view_top *top)
{
	sort_by_neighbour(top, 1);
}

static void go_to(struct view_top *top, size_t at)
{
	top->at = at;
	top->moved = true;
}

static void scroll_up(struct view_top *top)
{
	go_to(top, top->at - (top->at > 0));
}

static void scroll_down(struct view_top *top)
{
	go_to(top, top->at + 1);
}

static void page_up(struct view_top *top)
{
	top->first -= top->first > top->page ? top->page : top->first;
	go_to(top, top->at - (top->at > top->page ? top->page : top->at));
}

static void page_down(struct view_top *top)
{
	top->first += top->page;
	go_to(top, top->at + top->page);
}

static void scroll_home(struct view_top *top)
{
	top->first = 0;
	go_to(top, 0);
}

/* view_top_compose brings it back to the last one. */
static void scroll_end(struct view_top *top)
{
	go_to(top, SIZE_MAX / 2);
}

static void begin_filter(struct view_top *top)
{
	top->typing = true;
}

static void tree_or_list(struct view_top *top)
{
	top->choice.tree = !top->choice.tree;
}

static void trend_or_not(struct view_top *top)
{
	top->trend = !top->trend;
}

static void open_account(struct view_top *top)
{
	top->shown = VIEW_PAGE_ACCOUNT;
}

static void open_cpus(struct view_top *top)
{
	top->shown = VIEW_PAGE_CPUS;
}

/* Back to the list; there, no filter. */
static void lead_back(struct view_top *top)
{
	top->filter[0] = '\0';
}

/* Keys while the filter is typed. */
static void type_filter(struct view_top *top, int code)
{
	const size_t n = strlen(top->filter);

	if (code == '\n' || code == '\r' || code == VIEW_KEY_ESCAPE)
		top->typing = false;
	if (code == VIEW_KEY_ESCAPE)
		top->filter[0] = '\0';
	else if (code == VIEW_KEY_BACKSPACE && n > 0)
		top->filter[n - 1] = '\0';
	else if (code >= ' ' && code < 0x7f && n + 1 < sizeof(top->filter)) {
		top->filter[n] = (char)code;
		top->filter[n + 1] = '\0';
	}
}

/* Keys that mean something else where there is no list; false: the same. */
static bool leave_page(struct view_top *top, int code)
{
	if (top->shown == VIEW_PAGE_LIST ||
	    (code != '\n' && code != '\r' && code != VIEW_KEY_ESCAPE && code != 'C'))
		return false;
	top->shown = VIEW_PAGE_LIST;
	return true;
}

static void take_sample(struct view_top *top)
{
	top->refresh = true;
}

struct view_key {
	const char *label;
	const char *help;
	int codes[3];
	void (*act)(struct view_top *top);
};

/* clang-format off */
static const struct view_key keys[] = {
	{"q", "leave", {'q', 'Q'}, quit},
	{"h ?", "this help", {'h', '?'}, show_help},
	{"p Space", "pause, go on", {'p', ' '}, pause_or_go},
	{"+ -", "twice, half the delay", {'+', '='}, slower},
	{NULL, NULL, {'-', '_'}, faster},
	{"f", "new figures at once", {'f'}, take_sample},
	{"/ Esc", "filter by name, no filter", {'/'}, begin_filter},
	{NULL, NULL, {VIEW_KEY_ESCAPE}, lead_back},
	{"Enter", "one account: class by CPU", {'\n', '\r'}, open_account},
	{"C", "accounts by CPU", {'C'}, open_cpus},
	{"t T", "tree of cgroups; TREND", {'t'}, tree_or_list},
	{NULL, NULL, {'T'}, trend_or_not},
	{"a", "idle accounts too, or folded", {'a'}, all_or_busy},
	{"u", "unit: CPUs, percent, seconds", {'u'}, other_unit},
	{"< >", "sort by the column beside", {'<', ',', VIEW_KEY_LEFT}, sort_by_left},
	{NULL, NULL, {'>', '.', VIEW_KEY_RIGHT}, sort_by_right},
	{"R", "turn the order round", {'R'}, other_order},
	{"Up Down", "scroll; PgUp PgDn Home End", {VIEW_KEY_UP}, scroll_up},
	{NULL, NULL, {VIEW_KEY_DOWN}, scroll_down},
	{NULL, NULL, {VIEW_KEY_PAGE_UP}, page_up},
	{NULL, NULL, {VIEW_KEY_PAGE_DOWN}, page_down},
	{NULL, NULL, {VIEW_KEY_HOME}, scroll_home},
	{NULL, NULL, {VIEW_KEY_END}, scroll_end},
};
/* clang-format on */

static const struct view_key *find_key(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(keys[i].codes); j++) {
			if (code && keys[i].codes[j] == code)
				return &keys[i];
		}
	}
	return NULL;
}

bool view_top_key(struct view_top *top, int code)
{
	const struct view_key *key = find_key(code);
	const struct view_field *field = view_field_of_key(code);

	if (top->help) {
		top->help = false;
		return true;
	}
	if (top->typing) {
		type_filter(top, code);
		return true;
	}
	if (leave_page(top, code))
		return true;
	if (key)
		key->act(top);
	else if (field)
		sort_by(top, field);
	return key || field;
}

bool view_top_key_text(size_t i, const char **label, const char **help)
{
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		if (!keys[k].label || i-- > 0)
			continue;
		*label = keys[k].label;
		*help = keys[k].help;
		return true;
	}
	return false;
}

/* Two keys on a line, to fit 24 lines. */
static void help_on_keys(struct view_screen *screen)
{
	const char *label, *help;
	size_t n = 0;

	while (view_top_key_text(n, &label, &help)) {
		view_screen_put(screen, STYLE_HEADING, "  %-8s", label);
		view_screen_put(screen, STYLE_PLAIN, n % 2 ? "%s" : "%-30s", help);
		if (n++ % 2)
			view_screen_end_line(screen);
	}
	if (n % 2)
		view_screen_end_line(screen);
}

static void help_on_columns(const struct view_top *top, struct view_screen *screen)
{
	for (size_t i = 0; i < n_view_fields; i++) {
		const struct view_field *field = &view_fields[i];

		if (!field->key && !field->rank)
			continue;
		view_screen_put(screen, STYLE_HEADING, "%c %c",
				field == top->choice.sort ? '*' : ' ',
				field->key ? field->key : ' ');
		view_screen_put(screen, STYLE_PLAIN, "  %-11s  %s", field->heading, field->help);
		view_screen_end_line(screen);
	}
}

void view_top_help(const struct view_top *top, struct view_screen *screen)
{
	view_screen_put(screen, STYLE_TITLE, "behalf top: who spends CPU, and on whose behalf");
	view_screen_end_line(screen);
	help_on_keys(screen);
	view_screen_put(screen, STYLE_TITLE, "Columns, and the key that sorts by each (* now):");
	view_screen_end_line(screen);
	help_on_columns(top, screen);
	view_screen_put(screen, STYLE_PLAIN,
			"  unattributed: kernel work on somebody's behalf without a known owner.");
	view_screen_end_line(screen);
	view_screen_put(
		screen, STYLE_PLAIN,
		"  CHARGE of all + unattributed + idle = CPUs x time; books: left over right.");
	view_screen_end_line(screen);
	view_screen_put(screen, STYLE_DIM, "Any key leads back.");
	view_screen_end_line(screen);
}
