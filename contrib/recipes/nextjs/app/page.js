// A page of the server: it reads the environment at each request, and what it does not return stays there.
export const dynamic = "force-dynamic";

export default function Page() {
  return <p>{process.env.STRIPE_KEY ? "the key is there" : "the key is missing"} at {process.env.NEXT_PUBLIC_SITE}</p>;
}
