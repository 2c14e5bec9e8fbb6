"""What is answered: views of goals and jobs, problems, notices. Knows no route."""
