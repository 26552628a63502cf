// SPDX-License-Identifier: MIT
#include "ingest/speed.h"

#include <math.h>

int speed_cm_s(float distance_m, int64_t first_us, int64_t second_us)
{
	int64_t us = second_us - first_us;
	double speed;

	if (us <= 0 || us > SPEED_LONGEST_US)
		return 0;
	speed = 100.0 * (double)distance_m / ((double)us / 1e6);
	return speed > SPEED_MAX_CM_S ? 0 : (int)lround(speed);
}
