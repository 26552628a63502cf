// SPDX-License-Identifier: MIT
/*
 * camera: `tally camera add | list`.
 */
#include "analytics/camera.h"

#include <stdio.h>

#include "analytics/ctl/ctl.h"

int ctl_camera_add(struct ctl *ctl, int argc, char **argv)
{
	enum { NAME, SITE, TZ };
	struct ctl_option o[] = {
		{.name = "--name"}, {.name = "--site"}, {.name = "--tz"}};
	struct camera_new c;
	const char *field;
	enum err e;

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){1, 1}))
		return CTL_USAGE;
	c = (struct camera_new){.code = argv[0],
		.name = o[NAME].value[0],
		.site = o[SITE].value[0],
		.tz = o[TZ].value[0]};
	e = camera_create(ctl->db, &c, &ctl->by, NULL, &field);
	if (field) {
		ctl_say("camera add: %s %s", field, camera_rule(field));
		return CTL_FAILED;
	}
	return ctl_status(e, argv[0]);
}

int ctl_camera_list(struct ctl *ctl, int argc, char **argv)
{
	struct db_rows rows;
	enum err e;

	if (!ctl_args(&argc, argv, NULL, 0, (int[2]){0, 0}))
		return CTL_USAGE;
	if ((e = db_run(ctl->db, Q_CAMERA_NAMES, NULL, &ctl->arena, &rows)))
		return ctl_status(e, "camera list");
	puts("camera\tname\tsite\ttz\tstate");
	for (size_t i = 0; i < rows.n; i++) {
		const struct db_cell *c = &rows.cell[i * rows.cols];

		printf("%s\t%s\t%s\t%s\t%s\n", c[0].s.at, c[1].s.at, c[2].s.at,
			c[3].s.at, c[4].s.at);
	}
	return CTL_OK;
}
