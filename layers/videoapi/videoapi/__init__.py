"""The package that every function runs: a folder for each role, and arrows that point one way.

    domain      what a task is; pure                    aws         DynamoDB, SQS, S3
    accounts    API keys and their limits               media       pictures and videos as bytes
    net         safe requests to other servers          providers   what speaks to a vendor
    catalog     what models can do, and where           usecases    what a caller asks for
    worker      what runs behind the queue              webhooks    events: signed, sent, repeated
    api         HTTP, a folder for each dialect         bootstrap   makes and connects the parts

`tests/unit/test_architecture.py` holds the arrows.
"""

__version__ = "0.1.0"
