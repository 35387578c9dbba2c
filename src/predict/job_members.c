// What each member of a job's pool did.
#include "predict/job_parts.h"
#include <grove/watch.h>
#include <stdio.h>

// A member that was never heard of gets an entry, while there is room.
static grove_job_member *find_member(grove__score_job_members *m, grove_ref who)
{
  if (grove_ref_equal(who, (grove_ref){0, 0})) {
    return NULL; // a failure that names nobody: the item did not come to a member
  }
  for (size_t i = 0; i < m->n; i++) {
    if (grove_ref_equal(m->list[i].who, who)) {
      return &m->list[i];
    }
  }
  if (m->n == m->room) {
    return NULL;
  }
  m->list[m->n] = (grove_job_member){.struct_size = sizeof *m->list, .who = who};
  return &m->list[m->n++];
}

void grove__members_count(grove__score_job *j, uint32_t kind, grove_status s,
    const grove__score_job_reply *r, const grove_error *why)
{
  grove_job_member *m = find_member(&j->members, s ? why->who : r->who);
  if (!m) {
    return;
  }
  bool scored = !s && (kind == GROVE__JOB_SCORE || kind == GROVE__JOB_BEGIN) && !r->resumed &&
                !j->order->plan_only;
  m->items++;
  m->failed += s != GROVE_OK;
  m->groups += scored && (kind == GROVE__JOB_SCORE || (r->groups && !r->unscored));
  m->read += scored ? r->read : 0;
  m->rows += scored ? r->rows : 0;
}

void grove__members_tell(grove__score_job *j)
{
  for (size_t i = 0; i < j->members.n && j->o.member; i++) {
    grove_job_member *m = &j->members.list[i];
    grove_info info = {.struct_size = sizeof info};
    if (!grove_inspect(j->g, m->who, &info)) {
      m->restarts = info.restarts;
      m->busy_ns = info.busy_ns;
      snprintf(m->name, sizeof m->name, "%s", info.label);
    }
    j->o.member(j->o.user, m);
  }
}
