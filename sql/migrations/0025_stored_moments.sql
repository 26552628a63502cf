-- SPDX-License-Identifier: MIT
-- 0025: mean and standard deviation are stored beside the sums they follow
-- from, by the expressions of 0004.  Computed at each reading they took a
-- microsecond of a bucket, a third of what it takes to read it; to store them
-- takes two when it is written.  Those of quarters stay as they were: nobody
-- reads them.  Each table is written anew, once.

ALTER TABLE stats_hour
	DROP COLUMN IF EXISTS people_mean,
	DROP COLUMN IF EXISTS people_std,
	DROP COLUMN IF EXISTS vehicle_mean,
	DROP COLUMN IF EXISTS vehicle_std,
	DROP COLUMN IF EXISTS face_mean,
	DROP COLUMN IF EXISTS face_std,
	ADD COLUMN people_mean DOUBLE AS
		(people_sum * 1e0 / NULLIF(people_n, 0)) STORED,
	ADD COLUMN people_std DOUBLE AS
		(SQRT(CAST(people_n AS DECIMAL(30,0)) * people_sq
		      - CAST(people_sum AS DECIMAL(30,0)) * people_sum)
		 / NULLIF(people_n, 0)) STORED,
	ADD COLUMN vehicle_mean DOUBLE AS
		(vehicle_sum * 1e0 / NULLIF(vehicle_n, 0)) STORED,
	ADD COLUMN vehicle_std DOUBLE AS
		(SQRT(CAST(vehicle_n AS DECIMAL(30,0)) * vehicle_sq
		      - CAST(vehicle_sum AS DECIMAL(30,0)) * vehicle_sum)
		 / NULLIF(vehicle_n, 0)) STORED,
	ADD COLUMN face_mean DOUBLE AS
		(face_sum * 1e0 / NULLIF(face_n, 0)) STORED,
	ADD COLUMN face_std DOUBLE AS
		(SQRT(CAST(face_n AS DECIMAL(30,0)) * face_sq
		      - CAST(face_sum AS DECIMAL(30,0)) * face_sum)
		 / NULLIF(face_n, 0)) STORED;

ALTER TABLE stats_day
	DROP COLUMN IF EXISTS people_mean,
	DROP COLUMN IF EXISTS people_std,
	DROP COLUMN IF EXISTS vehicle_mean,
	DROP COLUMN IF EXISTS vehicle_std,
	DROP COLUMN IF EXISTS face_mean,
	DROP COLUMN IF EXISTS face_std,
	ADD COLUMN people_mean DOUBLE AS
		(people_sum * 1e0 / NULLIF(people_n, 0)) STORED,
	ADD COLUMN people_std DOUBLE AS
		(SQRT(CAST(people_n AS DECIMAL(30,0)) * people_sq
		      - CAST(people_sum AS DECIMAL(30,0)) * people_sum)
		 / NULLIF(people_n, 0)) STORED,
	ADD COLUMN vehicle_mean DOUBLE AS
		(vehicle_sum * 1e0 / NULLIF(vehicle_n, 0)) STORED,
	ADD COLUMN vehicle_std DOUBLE AS
		(SQRT(CAST(vehicle_n AS DECIMAL(30,0)) * vehicle_sq
		      - CAST(vehicle_sum AS DECIMAL(30,0)) * vehicle_sum)
		 / NULLIF(vehicle_n, 0)) STORED,
	ADD COLUMN face_mean DOUBLE AS
		(face_sum * 1e0 / NULLIF(face_n, 0)) STORED,
	ADD COLUMN face_std DOUBLE AS
		(SQRT(CAST(face_n AS DECIMAL(30,0)) * face_sq
		      - CAST(face_sum AS DECIMAL(30,0)) * face_sum)
		 / NULLIF(face_n, 0)) STORED;

ALTER TABLE stats_week
	DROP COLUMN IF EXISTS people_mean,
	DROP COLUMN IF EXISTS people_std,
	DROP COLUMN IF EXISTS vehicle_mean,
	DROP COLUMN IF EXISTS vehicle_std,
	DROP COLUMN IF EXISTS face_mean,
	DROP COLUMN IF EXISTS face_std,
	ADD COLUMN people_mean DOUBLE AS
		(people_sum * 1e0 / NULLIF(people_n, 0)) STORED,
	ADD COLUMN people_std DOUBLE AS
		(SQRT(CAST(people_n AS DECIMAL(30,0)) * people_sq
		      - CAST(people_sum AS DECIMAL(30,0)) * people_sum)
		 / NULLIF(people_n, 0)) STORED,
	ADD COLUMN vehicle_mean DOUBLE AS
		(vehicle_sum * 1e0 / NULLIF(vehicle_n, 0)) STORED,
	ADD COLUMN vehicle_std DOUBLE AS
		(SQRT(CAST(vehicle_n AS DECIMAL(30,0)) * vehicle_sq
		      - CAST(vehicle_sum AS DECIMAL(30,0)) * vehicle_sum)
		 / NULLIF(vehicle_n, 0)) STORED,
	ADD COLUMN face_mean DOUBLE AS
		(face_sum * 1e0 / NULLIF(face_n, 0)) STORED,
	ADD COLUMN face_std DOUBLE AS
		(SQRT(CAST(face_n AS DECIMAL(30,0)) * face_sq
		      - CAST(face_sum AS DECIMAL(30,0)) * face_sum)
		 / NULLIF(face_n, 0)) STORED;

ALTER TABLE stats_month
	DROP COLUMN IF EXISTS people_mean,
	DROP COLUMN IF EXISTS people_std,
	DROP COLUMN IF EXISTS vehicle_mean,
	DROP COLUMN IF EXISTS vehicle_std,
	DROP COLUMN IF EXISTS face_mean,
	DROP COLUMN IF EXISTS face_std,
	ADD COLUMN people_mean DOUBLE AS
		(people_sum * 1e0 / NULLIF(people_n, 0)) STORED,
	ADD COLUMN people_std DOUBLE AS
		(SQRT(CAST(people_n AS DECIMAL(30,0)) * people_sq
		      - CAST(people_sum AS DECIMAL(30,0)) * people_sum)
		 / NULLIF(people_n, 0)) STORED,
	ADD COLUMN vehicle_mean DOUBLE AS
		(vehicle_sum * 1e0 / NULLIF(vehicle_n, 0)) STORED,
	ADD COLUMN vehicle_std DOUBLE AS
		(SQRT(CAST(vehicle_n AS DECIMAL(30,0)) * vehicle_sq
		      - CAST(vehicle_sum AS DECIMAL(30,0)) * vehicle_sum)
		 / NULLIF(vehicle_n, 0)) STORED,
	ADD COLUMN face_mean DOUBLE AS
		(face_sum * 1e0 / NULLIF(face_n, 0)) STORED,
	ADD COLUMN face_std DOUBLE AS
		(SQRT(CAST(face_n AS DECIMAL(30,0)) * face_sq
		      - CAST(face_sum AS DECIMAL(30,0)) * face_sum)
		 / NULLIF(face_n, 0)) STORED;

ALTER TABLE stats_year
	DROP COLUMN IF EXISTS people_mean,
	DROP COLUMN IF EXISTS people_std,
	DROP COLUMN IF EXISTS vehicle_mean,
	DROP COLUMN IF EXISTS vehicle_std,
	DROP COLUMN IF EXISTS face_mean,
	DROP COLUMN IF EXISTS face_std,
	ADD COLUMN people_mean DOUBLE AS
		(people_sum * 1e0 / NULLIF(people_n, 0)) STORED,
	ADD COLUMN people_std DOUBLE AS
		(SQRT(CAST(people_n AS DECIMAL(30,0)) * people_sq
		      - CAST(people_sum AS DECIMAL(30,0)) * people_sum)
		 / NULLIF(people_n, 0)) STORED,
	ADD COLUMN vehicle_mean DOUBLE AS
		(vehicle_sum * 1e0 / NULLIF(vehicle_n, 0)) STORED,
	ADD COLUMN vehicle_std DOUBLE AS
		(SQRT(CAST(vehicle_n AS DECIMAL(30,0)) * vehicle_sq
		      - CAST(vehicle_sum AS DECIMAL(30,0)) * vehicle_sum)
		 / NULLIF(vehicle_n, 0)) STORED,
	ADD COLUMN face_mean DOUBLE AS
		(face_sum * 1e0 / NULLIF(face_n, 0)) STORED,
	ADD COLUMN face_std DOUBLE AS
		(SQRT(CAST(face_n AS DECIMAL(30,0)) * face_sq
		      - CAST(face_sum AS DECIMAL(30,0)) * face_sum)
		 / NULLIF(face_n, 0)) STORED;

ALTER TABLE stats_weekday_month
	DROP COLUMN IF EXISTS people_mean,
	DROP COLUMN IF EXISTS people_std,
	DROP COLUMN IF EXISTS vehicle_mean,
	DROP COLUMN IF EXISTS vehicle_std,
	DROP COLUMN IF EXISTS face_mean,
	DROP COLUMN IF EXISTS face_std,
	ADD COLUMN people_mean DOUBLE AS
		(people_sum * 1e0 / NULLIF(people_n, 0)) STORED,
	ADD COLUMN people_std DOUBLE AS
		(SQRT(CAST(people_n AS DECIMAL(30,0)) * people_sq
		      - CAST(people_sum AS DECIMAL(30,0)) * people_sum)
		 / NULLIF(people_n, 0)) STORED,
	ADD COLUMN vehicle_mean DOUBLE AS
		(vehicle_sum * 1e0 / NULLIF(vehicle_n, 0)) STORED,
	ADD COLUMN vehicle_std DOUBLE AS
		(SQRT(CAST(vehicle_n AS DECIMAL(30,0)) * vehicle_sq
		      - CAST(vehicle_sum AS DECIMAL(30,0)) * vehicle_sum)
		 / NULLIF(vehicle_n, 0)) STORED,
	ADD COLUMN face_mean DOUBLE AS
		(face_sum * 1e0 / NULLIF(face_n, 0)) STORED,
	ADD COLUMN face_std DOUBLE AS
		(SQRT(CAST(face_n AS DECIMAL(30,0)) * face_sq
		      - CAST(face_sum AS DECIMAL(30,0)) * face_sum)
		 / NULLIF(face_n, 0)) STORED;

ALTER TABLE stats_weekday_year
	DROP COLUMN IF EXISTS people_mean,
	DROP COLUMN IF EXISTS people_std,
	DROP COLUMN IF EXISTS vehicle_mean,
	DROP COLUMN IF EXISTS vehicle_std,
	DROP COLUMN IF EXISTS face_mean,
	DROP COLUMN IF EXISTS face_std,
	ADD COLUMN people_mean DOUBLE AS
		(people_sum * 1e0 / NULLIF(people_n, 0)) STORED,
	ADD COLUMN people_std DOUBLE AS
		(SQRT(CAST(people_n AS DECIMAL(30,0)) * people_sq
		      - CAST(people_sum AS DECIMAL(30,0)) * people_sum)
		 / NULLIF(people_n, 0)) STORED,
	ADD COLUMN vehicle_mean DOUBLE AS
		(vehicle_sum * 1e0 / NULLIF(vehicle_n, 0)) STORED,
	ADD COLUMN vehicle_std DOUBLE AS
		(SQRT(CAST(vehicle_n AS DECIMAL(30,0)) * vehicle_sq
		      - CAST(vehicle_sum AS DECIMAL(30,0)) * vehicle_sum)
		 / NULLIF(vehicle_n, 0)) STORED,
	ADD COLUMN face_mean DOUBLE AS
		(face_sum * 1e0 / NULLIF(face_n, 0)) STORED,
	ADD COLUMN face_std DOUBLE AS
		(SQRT(CAST(face_n AS DECIMAL(30,0)) * face_sq
		      - CAST(face_sum AS DECIMAL(30,0)) * face_sum)
		 / NULLIF(face_n, 0)) STORED;

ALTER TABLE stats_profile_month
	DROP COLUMN IF EXISTS people_mean,
	DROP COLUMN IF EXISTS people_std,
	DROP COLUMN IF EXISTS vehicle_mean,
	DROP COLUMN IF EXISTS vehicle_std,
	DROP COLUMN IF EXISTS face_mean,
	DROP COLUMN IF EXISTS face_std,
	ADD COLUMN people_mean DOUBLE AS
		(people_sum * 1e0 / NULLIF(people_n, 0)) STORED,
	ADD COLUMN people_std DOUBLE AS
		(SQRT(CAST(people_n AS DECIMAL(30,0)) * people_sq
		      - CAST(people_sum AS DECIMAL(30,0)) * people_sum)
		 / NULLIF(people_n, 0)) STORED,
	ADD COLUMN vehicle_mean DOUBLE AS
		(vehicle_sum * 1e0 / NULLIF(vehicle_n, 0)) STORED,
	ADD COLUMN vehicle_std DOUBLE AS
		(SQRT(CAST(vehicle_n AS DECIMAL(30,0)) * vehicle_sq
		      - CAST(vehicle_sum AS DECIMAL(30,0)) * vehicle_sum)
		 / NULLIF(vehicle_n, 0)) STORED,
	ADD COLUMN face_mean DOUBLE AS
		(face_sum * 1e0 / NULLIF(face_n, 0)) STORED,
	ADD COLUMN face_std DOUBLE AS
		(SQRT(CAST(face_n AS DECIMAL(30,0)) * face_sq
		      - CAST(face_sum AS DECIMAL(30,0)) * face_sum)
		 / NULLIF(face_n, 0)) STORED;
