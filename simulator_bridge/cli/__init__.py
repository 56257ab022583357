"""What every command shares: how it is run, where its output may go, and the processes that it starts."""
