package profile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The 28 events of the e-commerce specification keep their names, and go by
// those of its version 1 too, which put the verb first.
func TestVocabulary(t *testing.T) {
	names := []string{
		ProductsSearched, ProductListViewed, ProductListFiltered, PromotionViewed, PromotionClicked, ProductClicked, ProductViewed,
		ProductAdded, ProductRemoved, CartViewed, CheckoutStarted, CheckoutStepViewed, CheckoutStepCompleted, PaymentInfoEntered,
		OrderUpdated, OrderCompleted, OrderRefunded, OrderCancelled, CouponEntered, CouponApplied, CouponDenied, CouponRemoved,
		ProductAddedToWishlist, ProductRemovedFromWishlist, WishlistProductAddedToCart, ProductShared, CartShared, ProductReviewed,
	}
	seen := map[string]bool{}
	for _, n := range names {
		seen[n] = true
		require.Equal(t, n, currentName(n))
		words := strings.Fields(n)
		if verb := len(words) - 1; strings.HasSuffix(words[verb], "ed") {
			require.Equal(t, n, currentName(words[verb]+" "+strings.Join(words[:verb], " ")))
		}
	}
	require.Len(t, seen, 28)
	for old, now := range map[string]string{
		"Viewed Product Category": ProductListViewed, "Started Order": CheckoutStarted, "Added Product to Wishlist": ProductAddedToWishlist,
		"Removed from Wishlist": ProductRemovedFromWishlist, "Added Wishlist Product to Cart": WishlistProductAddedToCart,
		"Invited Friends": "Invited Friends", "": "",
	} {
		require.Equal(t, now, currentName(old))
	}
}
