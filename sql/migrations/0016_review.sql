-- SPDX-License-Identifier: MIT
-- 0016: who reviewed an outlier, and when.  `note` is there since 0005.

ALTER TABLE outlier_backup
	ADD COLUMN IF NOT EXISTS reviewed_by VARCHAR(100) NULL,
	ADD COLUMN IF NOT EXISTS reviewed_at DATETIME NULL;

ALTER TABLE outlier_low
	ADD COLUMN IF NOT EXISTS reviewed_by VARCHAR(100) NULL,
	ADD COLUMN IF NOT EXISTS reviewed_at DATETIME NULL;
