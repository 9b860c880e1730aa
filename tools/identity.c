/* SPDX-License-Identifier: BSD-3-Clause */
/* From --user and --groups to a credential. */

#include "plan.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

static gid_t group_id(const char *option, const char *text) {
  unsigned long id;
  const struct group *group = getgrnam(text);
  if (group != NULL) return group->gr_gid;
  if (!is_number(text, ID_MAX, &id)) DIE("--%s: there is no group \"%s\"", option, text);
  return (gid_t)id;
}

static void groups_of_user(const struct passwd *entry, fe_credential *credential) {
  for (int room = 64;; room *= 2) {
    int count = room;
    gid_t *groups = allocate((size_t)room, sizeof *groups);
    if (getgrouplist(entry->pw_name, credential->gid, groups, &count) >= 0) {
      credential->groups = groups;
      credential->ngroups = (size_t)count;
      return;
    }
    free(groups);
  }
}

static void groups_listed(char *list, fe_credential *credential) {
  gid_t *groups = allocate(strlen(list) + 1, sizeof *groups);
  for (char *name = strtok(list, ","); name != NULL; name = strtok(NULL, ","))
    groups[credential->ngroups++] = group_id("groups", name);
  credential->groups = groups;
}

void plan_identity(struct job *job) {
  static fe_credential credential = FE_CREDENTIAL_INIT;
  static const gid_t none;
  const struct passwd *entry = NULL;
  if (job->user == NULL && job->groups == NULL) return;
  credential.uid = geteuid();
  credential.gid = getegid();
  if (job->user != NULL) {
    unsigned long id;
    char *group = job->user, *user = strsep(&group, ":");
    /* The name first, as POSIX has it: it may be one of digits. */
    entry = getpwnam(user);
    if (entry == NULL) {
      if (!is_number(user, ID_MAX, &id)) DIE("--user: there is no user \"%s\"", user);
      entry = getpwuid((uid_t)id);
      credential.uid = (uid_t)id;
      credential.gid = (gid_t)id;
    }
    if (entry != NULL) {
      credential.uid = entry->pw_uid;
      credential.gid = entry->pw_gid;
    }
    if (group != NULL) credential.gid = group_id("user", group);
  }
  /* In a user namespace where setgroups is denied the kernel keeps them; a list is refused. */
  bool denied = job->attr.ngid_mappings > 0 && (job->attr.flags & FE_ALLOW_SETGROUPS) == 0;
  if (job->groups != NULL)
    groups_listed(job->groups, &credential);
  else if (job->keep_groups || denied)
    credential.groups = NULL;
  else if (entry != NULL)
    groups_of_user(entry, &credential);
  else
    credential.groups = &none;
  job->attr.credential = &credential;
}
