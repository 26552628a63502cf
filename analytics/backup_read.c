// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analytics/backup.h"
#include "common/when.h"

enum { HEAD = 5, NUMBER = 8, FIRST_CAP = 512 << 10 };

static enum err wrong(char why[SEAL_WHY], const char *what)
{
	snprintf(why, SEAL_WHY, "the backup is damaged: %s", what);
	return E_CORRUPT;
}

enum err backup_open(struct backup_in *in, const char *path,
	const unsigned char key[SEAL_KEY], bool is_stream_key,
	char why[SEAL_WHY])
{
	struct stat st;

	memset(in, 0, sizeof(*in));
	if (!stat(path, &st))
		in->facts.bytes = (uint64_t)st.st_size;
	return seal_open(&in->seal, path, key, is_stream_key, why);
}

void backup_close(struct backup_in *in)
{
	seal_close(in->seal);
	free(in->record);
}

static uint64_t number(const char *at)
{
	uint64_t v = 0;

	for (int i = NUMBER; i--;)
		v = v << 8 | (unsigned char)at[i];
	return v;
}

static bool has_room(struct backup_in *in, size_t n)
{
	size_t cap = in->cap ? in->cap : FIRST_CAP;
	char *at;

	while (cap < n + 1)
		cap *= 2;
	if (cap == in->cap)
		return true;
	if (!(at = realloc(in->record, cap)))
		return false;
	in->record = at;
	in->cap = cap;
	return true;
}

/* "1", the schema, the moment: each with a zero byte behind. */
static enum err begun(struct backup_in *in, char why[SEAL_WHY])
{
	const char *schema = in->record + strlen(in->record) + 1, *at;

	if (strcmp(in->record, "1") != 0) {
		snprintf(why, SEAL_WHY,
			"this backup is of a newer Tally: its format is not 1");
		return E_INVALID;
	}
	if (schema > in->record + in->n)
		return wrong(why, "its beginning is not whole");
	at = schema + strlen(schema) + 1;
	if (at > in->record + in->n)
		return wrong(why, "its beginning is not whole");
	snprintf(in->facts.schema, sizeof(in->facts.schema), "%s", schema);
	in->facts.taken_at = strtoll(at, NULL, 10);
	return E_OK;
}

static enum err ended(struct backup_in *in, char why[SEAL_WHY])
{
	if (in->n != 2 * NUMBER || number(in->record) != in->tables ||
		number(in->record + NUMBER) != in->rows)
		return wrong(why, "tables or rows are missing");
	in->over = true;
	in->facts.tables = in->tables;
	in->facts.rows = in->rows;
	return E_OK;
}

/* Does the record belong where it is, and does it count right? */
static enum err follow(struct backup_in *in, char why[SEAL_WHY])
{
	bool first = !*in->facts.schema;

	if (first != (in->kind == 'B') || in->over)
		return wrong(why, "its parts are in disorder");
	switch (in->kind) {
	case 'B':
		return begun(in, why);
	case 'T':
		if (in->in_table)
			return wrong(why, "a table has no end");
		in->in_table = true;
		in->rows_here = 0;
		return E_OK;
	case 'R':
		if (!in->in_table || !in->n || in->record[in->n - 1] != '\n')
			return wrong(why, "rows are not whole");
		for (const char *p = in->record;
			(p = memchr(p, '\n', in->n - (size_t)(p - in->record)));
			p++)
			in->rows_here++;
		return E_OK;
	case 'E':
		if (!in->in_table || in->n != NUMBER ||
			number(in->record) != in->rows_here)
			return wrong(why, "rows are missing");
		in->in_table = false;
		in->tables++;
		in->rows += in->rows_here;
		return E_OK;
	case 'Z':
		return in->in_table ? wrong(why, "a table has no end")
				    : ended(in, why);
	}
	return wrong(why, "it has a part that nobody knows");
}

enum err backup_next(struct backup_in *in, char why[SEAL_WHY])
{
	unsigned char head[HEAD];
	bool end;
	enum err e;

	if ((e = seal_read(in->seal, head, HEAD, &end, why)))
		return e;
	in->kind = 0;
	if (end)
		return in->over ? E_OK : wrong(why, "it ends too soon");
	in->kind = (char)head[0];
	in->n = head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16 |
		(size_t)head[4] << 24;
	if (in->n > BACKUP_RECORD_MAX)
		return wrong(why, "a part is too long");
	if (!has_room(in, in->n)) {
		snprintf(why, SEAL_WHY, "out of memory");
		return E_NOMEM;
	}
	if ((e = seal_read(in->seal, in->record, in->n, &end, why)))
		return e;
	if (end)
		return wrong(why, "it ends too soon");
	in->record[in->n] = '\0';
	return follow(in, why);
}

enum err backup_verify(const char *path, const unsigned char key[SEAL_KEY],
	bool is_stream_key, struct backup_facts *facts, char why[SEAL_WHY])
{
	struct backup_in in;
	int64_t begun_ms = when_clock_ms();
	enum err e = backup_open(&in, path, key, is_stream_key, why);

	while (!e && !(e = backup_next(&in, why)) && in.kind)
		;
	*facts = in.facts;
	facts->ms = when_clock_ms() - begun_ms;
	backup_close(&in);
	return e;
}
