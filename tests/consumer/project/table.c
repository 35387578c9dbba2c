// Uses grove_model: a table from text, a learner, its error.
#include <grove.h>
#include <grove/columnar.h>
#include <grove/model.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
  static const char text[] = "x,y\n1,2\n2,4\n3,6\n4,8\n5,10\n6,12\n";
  grove_error err = {0};
  grove_table *t = NULL;
  grove_model *m = NULL;
  double mse = 1;
  int bad = grove_csv_parse(text, strlen(text), NULL, &t, &err) ||
            grove_model_create(NULL, "linear", NULL, &m, &err) ||
            grove_model_fit(m, t, NULL, &err) || grove_model_score(m, t, NULL, &mse, &err);
  if (bad) {
    fprintf(stderr, "%s\n", err.text);
  }
  printf("%zu rows, error below a thousandth: %s\n", t ? grove_table_rows(t) : 0,
      mse < .001 ? "yes" : "no");
  grove_model_destroy(m);
  grove_table_release(t);
  return bad || mse >= .001;
}
