"""The dialect that Clickatell's two APIs share: answers, statuses, files, texts and client-side encryption."""
