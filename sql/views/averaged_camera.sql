-- SPDX-License-Identifier: MIT
-- averaged_camera: the cameras whose rows the tables of 2021 hold together:
-- those of the default site, without their lines and zones, which see the same
-- objects again.
CREATE OR REPLACE VIEW averaged_camera AS
SELECT c.camera_id
FROM site s JOIN camera c ON c.site_id = s.site_id
WHERE s.is_default = 1 AND c.kind = 'camera'
