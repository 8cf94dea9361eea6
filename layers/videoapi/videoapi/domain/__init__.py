"""What a task is: its attributes, ids, instants and transitions. Pure; time comes in as a value."""
