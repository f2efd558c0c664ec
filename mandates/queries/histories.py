"""Which tables of this app are evidence: chains of steps, and rows that nobody ever changes."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from common.histories import Chain, History, register
from mandates import models
from mandates.queries.chain import step_facts

register(
    History("call", _("Steps of calls"), models.Step, Chain("call", step_facts, ("assignment_id",)))
)
register(
    History(
        "admission", _("Steps of admissions"), models.AdmissionStep,
        Chain("admission", lambda step, one: step.facts(one.uid), ("county_id",)),
    )
)  # fmt: skip
for _name, _label, _model in (
    ("admission_voice", _("Opinions on admissions"), models.AdmissionVoice),
    ("assessment_exclusion", _("Calls left out of assessments"), models.AssessmentExclusion),
    ("assessment_rank", _("Results of assessments"), models.AssessmentRank),
    ("burden", _("Steps of burdens"), models.BurdenStep),
    ("caller_reveal", _("Looks at persons' data"), models.CallerReveal),
    ("call_note", _("Internal notes of calls"), models.CallNote),
    ("call_rating", _("Ratings of calls"), models.CallRating),
    ("capability", _("Checks of what townships can take on"), models.CapabilityCheck),
    ("citation", _("Citations of laws"), models.Citation),
    ("legal_basis", _("Legal bases"), models.LegalBasis),
    ("letter", _("Letters"), models.Letter),
    ("letter_reading", _("Receipts of letters"), models.LetterReading),
    ("overlap", _("Register of overlapping matters"), models.Overlap),
    ("overlap_party", _("Parties of overlapping matters"), models.OverlapParty),
    ("power_evaluation", _("Evaluations of powers"), models.PowerEvaluation),
    ("person_search", _("Searches for persons"), models.PersonSearch),
    ("precedent", _("Precedents"), models.Precedent),
    ("proposal_evidence", _("Evidence of proposals"), models.ProposalEvidence),
    ("report", _("Accountability reports"), models.AccountabilityReport),
    ("directory", _("Directories of matters"), models.DirectoryEntry),
    ("list_publication", _("Proposals to publish a list"), models.ListPublication),
    ("publication_decision", _("Decisions on publications"), models.PublicationDecision),
    ("returned_matter", _("Matters given back"), models.ReturnedMatter),
    ("unlisted", _("Steps of unlisted tasks"), models.UnlistedStep),
):
    register(History(_name, _label, _model))
