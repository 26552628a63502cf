// SPDX-License-Identifier: MIT
/*
 * classes: what a detector sees (the class names of its network) and what
 * Tally counts (metrics), and the setting that maps one to the other.
 * Lives as long as the process; read-only after start.
 */
#ifndef TALLY_INGEST_CLASSES_H
#define TALLY_INGEST_CLASSES_H

#include "common/base.h"

/* Kinds of objects.  All behind KIND_VEHICLE are vehicles too. */
enum kind {
	KIND_PEOPLE,
	KIND_FACE,
	KIND_VEHICLE, /* of no particular class */
	KIND_CAR,
	KIND_BUS,
	KIND_TRUCK,
	KIND_MOTORCYCLE,
	KIND_BICYCLE,
	KIND_SCOOTER,
	KIND_COUNT,
	KIND_NONE = -1 /* not counted */
};

/* The three metrics that every row has. */
enum group { GROUP_PEOPLE, GROUP_VEHICLE, GROUP_FACE, GROUP_COUNT };

enum {
	CLASSES_MAX = 256,  /* classes of a network, entries of the setting */
	CLASS_NAME_MAX = 64 /* bytes, the end included */
};

enum group kind_group(enum kind k);
/* "people", "vehicle", "face" */
const char *group_name(enum group g);
/* "car" … "scooter"; NULL for what is no vehicle class. */
const char *kind_class(enum kind k);

/* The setting ingest.classes. */
struct class_map {
	size_t n;
	struct {
		char name[CLASS_NAME_MAX];
		enum kind kind;
		bool used; /* some names list holds it */
	} entry[CLASSES_MAX];
};

/* From "person=people car=vehicle.car"; names match whatever their case, and
 * _ stands for a blank.  On failure (E_SYNTAX, E_NOT_FOUND an
 * unknown metric, E_EXISTS a class named twice, E_TOO_BIG) err says why. */
MUST enum err class_map_parse(
	struct class_map *m, const char *setting, char err[512]);

/* The kind of that class; KIND_NONE where the setting leaves it out.  Marks
 * the entry as used. */
enum kind class_map_find(struct class_map *m, const char *name);

/* The kinds of a network's classes, in its order. */
struct class_list {
	int n;
	enum kind kind[CLASSES_MAX];
};

/*
 * Reads a names file, one name a line; a last line without an end is one too.
 * want: the number of classes the network has.  Logs one line with file and
 * line: E_IO, E_CORRUPT (empty line, not UTF-8, control bytes), E_TOO_BIG (a
 * name or the list), E_INVALID (not as many as wanted, or a name twice).
 */
MUST enum err class_list_read(
	struct class_list *l, const char *path, int want, struct class_map *m);

#endif
