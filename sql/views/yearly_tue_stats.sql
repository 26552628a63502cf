-- SPDX-License-Identifier: MIT
-- yearly_tue_stats: table of 2021, the Tuesdays of each year that is over.
CREATE OR REPLACE VIEW yearly_tue_stats AS
SELECT _id, _year, avg_people, std_people, avg_vehicle, std_vehicle
FROM averaged_weekday_year WHERE weekday = 2
