"""The engine that reads answers off hidden states in one pass: heads of many specialists on one base."""
