-- SPDX-License-Identifier: MIT
-- yearly_mon_stats: table of 2021, the Mondays of each year that is over.
CREATE OR REPLACE VIEW yearly_mon_stats AS
SELECT _id, _year, avg_people, std_people, avg_vehicle, std_vehicle
FROM averaged_weekday_year WHERE weekday = 1
