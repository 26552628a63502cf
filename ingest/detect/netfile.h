// SPDX-License-Identifier: MIT
/*
 * netfile: Darknet's files looked at before a library is given them, for
 * libraries end the process, read past the end or guess.  Reads a cfg as far
 * as it decides the number of weights, and holds the weights file against it.
 *
 * Format: the sources of Darknet (parser.c, load_weights): a header of three
 * 32-bit numbers major, minor, revision and the count of images seen (64 bits
 * from version 0.2 on, else 32), then 32-bit floats, layer by layer; of a
 * convolution the biases, with batch normalization scales, means and
 * variances, then size² · channels / groups · filters weights.
 */
#ifndef TALLY_INGEST_DETECT_NETFILE_H
#define TALLY_INGEST_DETECT_NETFILE_H

#include "ingest/classes.h"

enum {
	NETWORKS_MAX = 2, /* of an engine: objects, faces */
	NETFILE_LAYERS_MAX = 512,
	NETFILE_CFG_MAX = 1 << 20,     /* bytes */
	NETFILE_WEIGHTS_MAX = 1 << 30, /* bytes */
	NETFILE_INPUT_MAX = 2048       /* pixels a side */
};

struct netfile_layer {
	int filters, channels; /* out, in per group */
	int size;	       /* of the square kernel; 0: holds no weights */
	bool normalized;
};

struct netfile {
	int w, h;    /* pixels the network takes */
	int classes; /* it tells apart */
	int layers;
	uint64_t weights; /* floats in the weights file */
	/* "[scale_channels]" and its like: the first thing in the cfg that
	 * Debian's Darknet would leave out or take for another; "" without. */
	char foreign[64];
	struct netfile_layer layer[NETFILE_LAYERS_MAX];
};

/* A network whose files are in order, for an engine to open. */
struct net_files {
	const char *cfg, *weights;
	int w, h; /* pixels it is given */
	struct class_list classes;
	char foreign[64]; /* as above */
};

/* Logs one line with file and line: E_IO, E_SYNTAX, E_INVALID (a value or a
 * layer that does not fit), E_TOO_BIG. */
MUST enum err netfile_read_cfg(struct netfile *n, const char *path);

/* Logs one line: E_IO, E_CORRUPT (truncated, too long, damaged). */
MUST enum err netfile_check_weights(const struct netfile *n, const char *path);

#endif
