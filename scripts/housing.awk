# cal_housing.data (Pace and Barry 1997, StatLib) to the table that is commonly used: averages by household, the
# target last and in 100,000 dollars. Numbers are written as the shortest text that reads back as the same
# double, so that the result has the same bytes on every machine.
function shortest(x,   digits, text) {
  for (digits = 15; digits <= 17; digits++) {
    text = sprintf("%." digits "g", x)
    if (text + 0 == x) { break }
  }
  return text ~ /[.e]/ ? text : text ".0"
}
BEGIN {
  FS = ","
  print "MedInc,HouseAge,AveRooms,AveBedrms,Population,AveOccup,Latitude,Longitude,MedHouseVal"
}
NF == 9 {
  homes = $7 + 0
  if (homes <= 0) { print "line " NR ": no households" > "/dev/stderr"; exit 1 }
  print shortest($8 + 0) "," shortest($3 + 0) "," shortest($4 / homes) "," shortest($5 / homes) "," \
    shortest($6 + 0) "," shortest($6 / homes) "," shortest($2 + 0) "," shortest($1 + 0) "," shortest($9 / 100000)
}
NF && NF != 9 { print "line " NR ": not nine numbers" > "/dev/stderr"; exit 1 }
