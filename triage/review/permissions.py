"""What each route lets somebody do: one literal table; a route without a line is refused."""

from __future__ import annotations

from triage.guard.access import Action

# None: no login needed. Everything else needs an action (triage.guard.access).
RULES: dict[tuple[str, str], Action | None] = {
    ("GET", "/api/health"): None,
    ("GET", "/api/ready"): None,
    ("POST", "/api/login"): None,
    ("POST", "/api/first-login"): None,
    ("POST", "/api/logout"): Action.SEE_SELF,
    ("GET", "/api/me"): Action.SEE_SELF,
    ("GET", "/openapi.json"): None,
    ("GET", "/metrics"): Action.SEE_METRICS,
    ("GET", "/api/worklist"): Action.SEE_WORKLIST,
    ("GET", "/api/events"): Action.FOLLOW,
    ("GET", "/api/studies/{study_uid}"): Action.SEE_STUDY,
    ("GET", "/api/studies/{study_uid}/report"): Action.SEE_STUDY,
    ("GET", "/api/studies/{study_uid}/events"): Action.SEE_EVENTS,
    ("GET", "/api/studies/{study_uid}/plan"): Action.SEE_PLAN,
    ("GET", "/api/studies/{study_uid}/key-image"): Action.SEE_PIXELS,
    ("PUT", "/api/studies/{study_uid}/context"): Action.SET_CONTEXT,
    ("PUT", "/api/studies/{study_uid}/seen"): Action.CLAIM,
    ("POST", "/api/studies/{study_uid}/findings"): Action.DECIDE,
    ("POST", "/api/studies/{study_uid}/claim"): Action.CLAIM,
    ("POST", "/api/studies/{study_uid}/release"): Action.CLAIM,
    ("POST", "/api/studies/{study_uid}/sign"): Action.SIGN,
    ("POST", "/api/findings/{finding_id}/decisions"): Action.DECIDE,
    ("GET", "/api/series/{series_uid}/volume"): Action.SEE_PIXELS,
    ("GET", "/api/series/{series_uid}/thumbnail"): Action.SEE_PIXELS,
    ("GET", "/api/admin/quarantine"): Action.SEE_QUARANTINE,
    ("GET", "/api/admin/users"): Action.SEE_USERS,
    ("POST", "/api/admin/users"): Action.MANAGE_USERS,
    ("GET", "/api/learning/queue"): Action.SEE_LEARNING,
    ("GET", "/api/learning/rounds"): Action.SEE_LEARNING,
    ("POST", "/api/learning/rounds"): Action.RUN_LEARNING,
    ("GET", "/api/learning/rounds/{round_id}"): Action.SEE_LEARNING,
    ("GET", "/api/learning/rounds/{round_id}/plan"): Action.SEE_LEARNING,
    ("GET", "/api/models"): Action.SEE_LEARNING,
    ("POST", "/api/models/{model_id}/promote"): Action.PROMOTE_MODEL,
    ("POST", "/api/models/{model_id}/rollback"): Action.PROMOTE_MODEL,
    # Not built yet: the door is guarded all the same.
    ("GET", "/dicomweb/{path:path}"): Action.READ_DICOMWEB,
    ("POST", "/dicomweb/{path:path}"): Action.STORE_DICOMWEB,
    ("GET", "/v2/{path:path}"): Action.INFER,
    ("POST", "/v2/{path:path}"): Action.INFER,
    ("POST", "/predict"): Action.INFER,
}
