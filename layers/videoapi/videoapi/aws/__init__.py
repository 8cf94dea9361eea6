"""DynamoDB, SQS and S3."""
