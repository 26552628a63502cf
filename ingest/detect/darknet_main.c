// SPDX-License-Identifier: MIT
/*
 * tally-darknet: runs Darknet networks for tally-ingest, which starts it and
 * starts it again when it ends (darknet_wire.h).  The only file that includes
 * Darknet.
 */
#include <darknet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingest/detect/darknet_wire.h"

enum { ARGS = 4 /* of each network */ };

static void leave(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	_exit(1);
}

/* Darknet takes the size from the file alone, so it gets a copy of it with
 * the size that is wanted. */
static int sized_copy(const char *cfg, const char *w, const char *h)
{
	int fd = memfd_create("cfg", 0);
	FILE *in = fopen(cfg, "re"),
	     *out = fd < 0 ? NULL : fdopen(dup(fd), "w");
	char *line = NULL, key[16];
	size_t cap = 0;

	if (!in || !out)
		leave(cfg);
	while (getline(&line, &cap, in) > 0) {
		if (sscanf(line, " %15[a-z] =", key) != 1)
			key[0] = '\0';
		if (!strcmp(key, "width"))
			fprintf(out, "width=%s\n", w);
		else if (!strcmp(key, "height"))
			fprintf(out, "height=%s\n", h);
		else
			fputs(line, out);
	}
	free(line);
	fclose(in);
	if (fclose(out))
		leave(cfg);
	return fd;
}

static network *load(char **arg)
{
	char path[32];
	network *net;
	int fd = sized_copy(arg[0], arg[2], arg[3]);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	net = load_network(path, arg[1], 0);
	close(fd);
	set_batch_network(net, 1);
	if (net->w != atoi(arg[2]) || net->h != atoi(arg[3]) || net->c != 3)
		leave("a network of another size");
	return net;
}

static void find(network *net, float *input, float threshold,
	struct wire_box *box, uint32_t *n)
{
	int found = 0;
	detection *d;

	network_predict(net, input);
	/* A picture of the network's own size: the picture was stretched, not
	 * boxed, as OpenCV takes it too. */
	d = get_network_boxes(
		net, net->w, net->h, threshold, 0.5F, NULL, 1, &found);
	*n = 0;
	for (int i = 0; i < found && *n < WIRE_BOXES; i++) {
		int best = 0;

		for (int k = 1; k < d[i].classes; k++)
			if (d[i].prob[k] > d[i].prob[best])
				best = k;
		if (!(d[i].prob[best] >= threshold) || d[i].prob[best] <= 0)
			continue;
		box[(*n)++] = (struct wire_box){d[i].bbox.x, d[i].bbox.y,
			d[i].bbox.w, d[i].bbox.h, d[i].prob[best], best};
	}
	free_detections(d, found);
}

static struct wire *map_memory(size_t least)
{
	struct wire *wire;
	struct stat st;

	if (fstat(WIRE_MEMORY, &st) || (size_t)st.st_size < least)
		leave("the shared memory is too small");
	wire = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
		MAP_SHARED, WIRE_MEMORY, 0);
	if (wire == MAP_FAILED)
		leave("the shared memory");
	return wire;
}

int main(int argc, char **argv)
{
	network *net[WIRE_NETWORKS];
	size_t floats = 0, at;
	struct wire *wire;
	float threshold;
	int n = (argc - 2) / ARGS;
	char byte = 0;

	if (n < 1 || n > WIRE_NETWORKS || argc != 2 + n * ARGS) {
		fputs("tally-darknet: tally-ingest --engine darknet runs "
		      "this\n",
			stderr);
		return 2;
	}
	threshold = strtof(argv[1], NULL);
	for (int i = 0; i < n; i++) {
		net[i] = load(argv + 2 + i * ARGS);
		floats += (size_t)net[i]->w * (size_t)net[i]->h * 3;
	}
	wire = map_memory(sizeof(*wire) + floats * sizeof(float));
	while (write(STDOUT_FILENO, &byte, 1) == 1 &&
		read(STDIN_FILENO, &byte, 1) == 1) {
		at = 0;
		for (int i = 0; i < n; i++) {
			find(net[i], wire->input + at, threshold, wire->box[i],
				&wire->n[i]);
			at += (size_t)net[i]->w * (size_t)net[i]->h * 3;
		}
	}
	/* Not exit: Darknet's memory is the system's to take back. */
	_exit(0);
}
