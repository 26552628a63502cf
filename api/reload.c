// SPDX-License-Identifier: MIT
#include "api/reload.h"

#include "api/allow.h"
#include "api/proxy.h"
#include "common/log.h"

static const char *const sections[] = {"database", "log", "api", NULL};

/* What the loop's thread alone reads, each time it is needed. */
static const char *const live[] = {
	"log.format",
	"log.level",
	"log.access",
	"api.connections_max",
	"api.address_connections_max",
	"api.body_max",
	"api.stream_max",
	"api.stream_timeout_s",
	"api.bodies_max",
	"api.memory_max",
	"api.upload_max",
	"api.uploads_max",
	"api.uploads_disk",
	"api.live_frame_max",
	"api.live_viewers_max",
	"api.live_camera_max",
	"api.head_timeout_s",
	"api.body_timeout_s",
	"api.idle_timeout_s",
	"api.reply_timeout_s",
	"api.request_timeout_s",
	"api.stop_timeout_s",
	"api.auth_failures_max",
	"api.login_failures_max",
	"api.streams_max",
	"api.metrics_from",
	"api.trusted_proxies",
	"api.proxy_header",
	NULL,
};

static void told(const char *setting, bool taken)
{
	if (taken)
		log_info("settings: %s was changed", setting);
	else
		log_warn("settings: %s wants a restart", setting);
}

/* What is more than a value of its own; after a line. */
static bool is_sound(const struct conf *c)
{
	struct slice bad = allow_fault(c->api_metrics_from);

	if (bad.n)
		log_error("api.metrics_from: \"%.*s\" is no address or network",
			(int)bad.n, bad.at);
	return !bad.n && !proxy_check(c) &&
		log_choose(c->log_format, c->log_level);
}

void reload_settings(struct api *api, const struct reload *how)
{
	const struct conf_live what = {sections, live, told};
	struct conf fresh;
	char err[512];

	if (conf_again(&fresh, how->argc, how->argv, &how->cli, err))
		log_error("settings: %s; the old ones stay", err);
	else if (!is_sound(&fresh))
		log_error("settings: the old ones stay");
	else
		conf_adopt(&api->conf, &fresh, &what);
	conf_free(&fresh);
}
