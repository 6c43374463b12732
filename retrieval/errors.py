"""What can go wrong in retrieval. Every class has a stable ``code``.

RetrievalError (retrieval)
├── KnowledgeEmpty (knowledge_empty): no document could be read, so there is nothing to search
├── BaseModelError (base_model): a base model that is missing, or of a kind that is not understood
├── GeneratorUnavailable (generator_unavailable): the server that writes drafts is down, refuses or breaks off
├── NoSuchDocument (no_such_document): a document to remove that is not in the folder; nothing was removed
├── ManifestError (ingest_manifest): the list of where ingested files came from cannot be read
└── IndexFileError (index_file): an index folder that is torn, tampered with or foreign
"""


class RetrievalError(Exception):
    """Root of the errors of the ``retrieval`` package."""

    code = "retrieval"


class KnowledgeEmpty(RetrievalError):
    """There is nothing to search."""

    code = "knowledge_empty"


class BaseModelError(RetrievalError):
    """A base model cannot be used; the message says what would be right."""

    code = "base_model"


class GeneratorUnavailable(RetrievalError):
    """The server that writes drafts gave no whole text; the message says what an operator can do."""

    code = "generator_unavailable"


class NoSuchDocument(RetrievalError):
    """A document to remove is not there; nothing was removed."""

    code = "no_such_document"


class ManifestError(RetrievalError):
    """The origins of ingested files are unknown; nothing was changed."""

    code = "ingest_manifest"


class IndexFileError(RetrievalError):
    """An index folder cannot be trusted; nothing of it was loaded."""

    code = "index_file"
