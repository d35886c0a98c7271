// Checks the recorded checkpoint, receipt and consistency proof with Go's own packages for signed
// notes and transparency logs: whoever has those needs nothing of ours.
//
// Usage: log_interop <tests/golden>
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(ok bool, what string) {
	if !ok {
		fmt.Fprintln(os.Stderr, "log_interop:", what)
		os.Exit(1)
	}
}

func checkError(err error, what string) {
	if err != nil {
		check(false, what+": "+err.Error())
	}
}

func read(directory, name string) string {
	text, err := os.ReadFile(filepath.Join(directory, name))
	checkError(err, "reading "+name)
	return string(text)
}

// vectors reads "name = hex" lines.
func vectors(text string) map[string][]byte {
	values := make(map[string][]byte)
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, found := strings.Cut(lines.Text(), " = ")
		if !found || strings.HasPrefix(name, "#") {
			continue
		}
		decoded, err := hex.DecodeString(value)
		checkError(err, name)
		values[name] = decoded
	}
	return values
}

type checkpoint struct {
	origin string
	size   int64
	root   tlog.Hash
}

// openCheckpoint verifies a signed note and reads its three lines.
func openCheckpoint(text, verifierKey string) checkpoint {
	verifier, err := note.NewVerifier(verifierKey)
	checkError(err, "the verifier key")
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	checkError(err, "the checkpoint's signature")
	check(len(opened.Sigs) == 1, "the checkpoint has another number of known signatures")
	lines := strings.Split(opened.Text, "\n")
	check(len(lines) == 4 && lines[3] == "", "the checkpoint does not have three lines")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	checkError(err, "the checkpoint's size")
	return checkpoint{lines[0], size, hash(lines[2])}
}

func hash(text string) tlog.Hash {
	parsed, err := tlog.ParseHash(text)
	checkError(err, "a hash")
	return parsed
}

// hashes cuts bytes into hashes.
func hashes(joined []byte) []tlog.Hash {
	var out []tlog.Hash
	for reader := bytes.NewReader(joined); reader.Len() > 0; {
		var one tlog.Hash
		n, err := reader.Read(one[:])
		check(err == nil && n == len(one), "bytes that are not whole hashes")
		out = append(out, one)
	}
	return out
}

func main() {
	check(len(os.Args) == 2, "usage: log_interop <tests/golden>")
	directory := os.Args[1]
	values := vectors(read(directory, "log.txt"))
	verifierKey := string(values["verifier_key"])

	head := openCheckpoint(read(directory, "log_checkpoint.txt"), verifierKey)
	check(head.origin == "example.comity/us/custody" && head.size == 7, "another log")
	check(bytes.Equal(head.root[:], values["root"]), "another root")

	// The receipt: header, index, hashes, empty line, checkpoint.
	receipt := read(directory, "log_receipt.txt")
	proofText, checkpointText, found := strings.Cut(receipt, "\n\n")
	check(found, "the receipt has no empty line")
	lines := strings.Split(proofText, "\n")
	check(lines[0] == "c2sp.org/tlog-proof@v1" && lines[1] == "index 5", "another receipt")
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		decoded, err := base64.StdEncoding.Strict().DecodeString(line)
		checkError(err, "a proof line")
		proof = append(proof, hashes(decoded)...)
	}
	in := openCheckpoint(checkpointText, verifierKey)
	checkError(tlog.CheckRecord(proof, in.size, in.root, 5, tlog.RecordHash([]byte("leaf 5"))),
		"the receipt's inclusion proof")
	check(tlog.CheckRecord(proof, in.size, in.root, 5, tlog.RecordHash([]byte("leaf 4"))) != nil,
		"another leaf was accepted")

	// From the tree of the first three hashes of the tile to the whole one.
	leaves := hashes(values["tile"])
	small := tlog.NodeHash(tlog.NodeHash(leaves[0], leaves[1]), leaves[2])
	checkError(tlog.CheckTree(hashes(values["consistency"]), 7, head.root, 3, small),
		"the consistency proof")
	fmt.Println("log_interop: checkpoint, receipt and consistency proof verify")
}
