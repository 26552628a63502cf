// SPDX-License-Identifier: MIT
/*
 * ctl: what the commands of `tally` share.  Each is a function that does its
 * work, says what went wrong in one line, and returns the exit status.
 */
#ifndef TALLY_ANALYTICS_CTL_CTL_H
#define TALLY_ANALYTICS_CTL_CTL_H

#include "analytics/audit.h"
#include "common/arena.h"
#include "common/conf.h"
#include "common/db/sync.h"

/* Exit statuses, as docs/operations.md lists them. */
enum { CTL_OK, CTL_FAILED, CTL_USAGE, CTL_NO_DATABASE };

struct ctl {
	struct conf conf;
	struct db *db; /* not connected before its first use */
	struct arena arena;
	struct audit_by by; /* the system's user */
};

enum { CTL_VALUES_MAX = 64, CTL_OPTIONS_MAX = 8 };

/* An option of a command: "--camera".  Filled by ctl_args. */
struct ctl_option {
	const char *name;
	bool many;
	bool flag; /* takes no value */
	const char *value[CTL_VALUES_MAX];
	unsigned n;
};

struct ctl_command {
	const char *name; /* "token create" */
	const char *args; /* as the usage shows them */
	const char *what;
	int (*run)(struct ctl *ctl, int argc, char **argv);
};

/*
 * Takes the options out of argv (behind the command's name), each with a
 * value unless it is a flag, and leaves the other arguments in order in
 * argv[0..*argc).  least and most: how many of those there may be.  false:
 * said, exit CTL_USAGE.
 */
MUST bool ctl_args(int *argc, char **argv, struct ctl_option *options, size_t n,
	int least_most[2]);

/* Says one line on standard error, "tally: " before it. */
void ctl_say(const char *fmt, ...) PRINTF(1, 2);

/* The exit status for an error; says what db_run has not said already. */
int ctl_status(enum err e, const char *what);

int ctl_config(struct ctl *ctl, int argc, char **argv);
int ctl_migrate(struct ctl *ctl, int argc, char **argv);
int ctl_token_create(struct ctl *ctl, int argc, char **argv);
int ctl_token_list(struct ctl *ctl, int argc, char **argv);
int ctl_token_rotate(struct ctl *ctl, int argc, char **argv);
int ctl_token_revoke(struct ctl *ctl, int argc, char **argv);
int ctl_audit(struct ctl *ctl, int argc, char **argv);
int ctl_user_add(struct ctl *ctl, int argc, char **argv);
int ctl_user_list(struct ctl *ctl, int argc, char **argv);
int ctl_user_passwd(struct ctl *ctl, int argc, char **argv);
int ctl_user_role(struct ctl *ctl, int argc, char **argv);
int ctl_user_disable(struct ctl *ctl, int argc, char **argv);
int ctl_user_enable(struct ctl *ctl, int argc, char **argv);
int ctl_user_remove(struct ctl *ctl, int argc, char **argv);
int ctl_dbuser_create(struct ctl *ctl, int argc, char **argv);
int ctl_dbuser_list(struct ctl *ctl, int argc, char **argv);
int ctl_dbuser_remove(struct ctl *ctl, int argc, char **argv);
int ctl_camera_add(struct ctl *ctl, int argc, char **argv);
int ctl_camera_list(struct ctl *ctl, int argc, char **argv);
int ctl_import(struct ctl *ctl, int argc, char **argv);
int ctl_verify(struct ctl *ctl, int argc, char **argv);
int ctl_backup(struct ctl *ctl, int argc, char **argv);
int ctl_backup_key(struct ctl *ctl, int argc, char **argv);
int ctl_backup_list(struct ctl *ctl, int argc, char **argv);
int ctl_backup_verify(struct ctl *ctl, int argc, char **argv);
int ctl_restore(struct ctl *ctl, int argc, char **argv);
int ctl_sample_add(struct ctl *ctl, int argc, char **argv);
int ctl_sample_remove(struct ctl *ctl, int argc, char **argv);
int ctl_setting_list(struct ctl *ctl, int argc, char **argv);
int ctl_setting_set(struct ctl *ctl, int argc, char **argv);
int ctl_doctor(struct ctl *ctl, int argc, char **argv);

#endif
