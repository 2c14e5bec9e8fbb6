"""The floor of the job types without a model: fields, numbers, dates and order. Holds no job type itself.

A function shows people only the messages of errors that its own file defines, so every function here that can fail is
given the class to raise.
"""
