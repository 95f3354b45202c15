// libraries PARSER: readers in Go. Paths come in, a JSON line each goes out.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	compose "github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/joho/godotenv"
)

func variables(parser, path string) (map[string]string, error) {
	if parser == "godotenv" {
		return godotenv.Read(path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return compose.ParseWithLookup(file, os.LookupEnv)
}

func main() {
	paths := bufio.NewScanner(os.Stdin)
	for paths.Scan() {
		found, err := variables(os.Args[1], paths.Text())
		answer := map[string]any{"vars": found}
		if err != nil {
			answer = map[string]any{"error": "refused"}
		} else if found == nil {
			answer["vars"] = map[string]string{}
		}
		line, err := json.Marshal(answer)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(line))
	}
}
