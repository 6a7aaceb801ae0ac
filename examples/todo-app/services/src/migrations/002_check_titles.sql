-- NOT VALID first and validated after: rows are read, but writers are not kept waiting.
ALTER TABLE tasks ADD CONSTRAINT tasks_title_length CHECK (char_length(title) BETWEEN 1 AND 200) NOT VALID;
ALTER TABLE tasks VALIDATE CONSTRAINT tasks_title_length;
